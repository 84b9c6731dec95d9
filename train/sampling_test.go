package train

import (
	"path/filepath"
	"slices"
	"testing"

	"longtail/data"
	"longtail/internal/plan"
)

// waysToSample are configs of the tiny run, whose 44 images make 5.5 steps an epoch, that draw samples in every way there is.
func waysToSample() map[string][]string {
	ways := map[string][]string{
		"authors":  {"data.order=authors"},
		"deferred": {"data.sampler=class", "data.resample_from=2"},
	}
	for _, name := range data.Samplers() {
		ways[name] = []string{"data.sampler=" + name}
	}
	return ways
}

// A run that is interrupted in the middle of an epoch, of the resampled ones too, ends with the bytes of one that is not.
func TestInterruptedSamplingResumes(t *testing.T) {
	results := map[string]string{}
	for name, overrides := range waysToSample() {
		dir := filepath.Join(t.TempDir(), "r")
		mustRun(t, job(t, dir, fake(), overrides...))
		want := files(t, dir)
		results[want["checkpoints/last.safetensors"]] = name
		for _, step := range []int{8, 14} { // in the second epoch and, which begins with step 11, in the third
			dir := filepath.Join(t.TempDir(), "r")
			interruptAt(t, dir, func(e Event) bool {
				p, ok := e.(Progress)
				return ok && p.Step == step
			}, overrides...)
			mustRun(t, job(t, dir, fake(), overrides...))
			sameFiles(t, name+" after an interruption", want, files(t, dir))
		}
	}
	if len(results) != len(waysToSample()) {
		t.Errorf("%d ways to sample have %d results: %v", len(waysToSample()), len(results), results)
	}
}

// A run with deferred re-sampling sees what the run without it sees up to that epoch.
func TestDeferredResamplingIsInstanceSamplingBefore(t *testing.T) {
	seen := func(overrides ...string) (orders []int32) {
		j := job(t, filepath.Join(t.TempDir(), "r"), fake(), overrides...)
		stream, err := NewStream(j.Config, j.Data.Train.Labels, j.Data.Train.Classes, j.Data.Files)
		if err != nil {
			t.Fatal(err)
		}
		if orders, err = stream.Take(0, 5*len(j.Data.Train.Labels)); err != nil {
			t.Fatal(err)
		}
		return orders
	}
	plain, deferred := seen(), seen("data.sampler=reverse", "data.resample_from=2")
	n := len(plain) / 5
	if !slices.Equal(plain[:2*n], deferred[:2*n]) || slices.Equal(plain[2*n:3*n], deferred[2*n:3*n]) {
		t.Error("the first two epochs differ, or the third does not")
	}
}

// What the keys say of a step is in the programs that a run executes.
func TestProgramsFollowTheConfig(t *testing.T) {
	build := func(overrides ...string) *Programs {
		j := job(t, filepath.Join(t.TempDir(), "r"), fake(), overrides...)
		p, err := Build(j.Config, j.Data)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain := build()
	if o := plain.Train.Options; !o.Augment || o.Cutout != 0 || o.Repeats || o.Nesterov || o.Samples != 44 || plain.Train.Pixels.Border != -1 {
		t.Errorf("the paper's: %+v", o)
	}
	if o := build("data.augment=none").Train.Options; o.Augment || o.Cutout != 0 {
		t.Errorf("data.augment=none: %+v", o)
	}
	if o := build("data.augment=cutout").Train.Options; !o.Augment || o.Cutout != 16 {
		t.Errorf("data.augment=cutout: %+v", o)
	}
	if o := build("data.crop=random_resized", "data.ratio=[1, 2]").Train.Options; o.Resized != (plan.Resized{Share: [2]float32{0.08, 0.92}, Ratio: [2]float32{0, 1}, Height: 32, Width: 32}) || plain.Train.Resized != (plan.Resized{}) {
		t.Errorf("data.crop=random_resized: %+v", o)
	}
	if o := build("data.crop=random_resized").Eval.Options; o != (plan.Options{}) {
		t.Errorf("the evaluation with data.crop=random_resized: %+v", o)
	}
	if o := build("data.sampler=sqrt", "data.resample_from=3", "train.nesterov=true").Train.Options; !o.Repeats || o.RepeatsFrom != 3 || !o.Nesterov {
		t.Errorf("deferred re-sampling and Nesterov: %+v", o)
	}
	standard := build("data.input=standard")
	if standard.Train.Pixels != standard.Eval.Pixels || standard.Eval.Options != (plan.Options{}) {
		t.Error("the evaluation has another input than the training, or is augmented")
	}
	// torchvision's ToTensor and Normalize of CIFAR-10's numbers.
	for c, m := range [3][2]float64{{.4914, .2023}, {.4822, .1994}, {.4465, .2010}} {
		for _, b := range []int{0, 1, 127, 255} {
			if got, want := float64(standard.Eval.Pixels.Table()[c][b]), (float64(b)/255-m[0])/m[1]; got < want-1e-6 || got > want+1e-6 {
				t.Errorf("byte %d of channel %d is %v, want %v", b, c, got, want)
			}
		}
	}
	if standard.Eval.Pixels.Border != 0 {
		t.Errorf("the border is %v, want 0", standard.Eval.Pixels.Border)
	}
}
