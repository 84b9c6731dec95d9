package train

import (
	"context"
	"path/filepath"
	"testing"

	"longtail/data/mix"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/fail"
)

// mixedJob is a run of 22 steps, 5.5 an epoch, that mixes images on the processor.
func mixedJob(t *testing.T, dir, rule string) Job {
	j := job(t, dir, fake(), "train.epochs=4", "train.mix="+rule)
	j.Open = func(_, _ string) (*device.Device, error) {
		return &device.Device{Backend: cpu.New(1), Precision: device.FP32}, nil
	}
	return j
}

// Runs that mix, by each rule, are runs of their own; one that is interrupted in the middle of an epoch ends with the bytes of one that is not.
func TestInterruptedMixingResumes(t *testing.T) {
	results := map[string]string{}
	for _, rule := range mix.Choices() {
		dir := filepath.Join(t.TempDir(), "r")
		mustRun(t, mixedJob(t, dir, rule))
		want := files(t, dir)
		results[want["checkpoints/last.safetensors"]] = rule
		if rule == mix.None {
			continue
		}
		dir = filepath.Join(t.TempDir(), "r")
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		j := mixedJob(t, dir, rule)
		j.Observers = []Observer{func(e Event) error {
			if p, ok := e.(Progress); ok && p.Step == 7 {
				cancel()
			}
			return nil
		}}
		if _, err := Run(ctx, j); fail.Code(err) != fail.CodeInterrupted {
			t.Fatalf("%v", err)
		}
		mustRun(t, mixedJob(t, dir, rule))
		sameFiles(t, rule+" after an interruption", want, files(t, dir))
	}
	if len(results) != len(mix.Choices()) {
		t.Errorf("%d rules have %d results", len(mix.Choices()), len(results))
	}
}

// The program of a training mixes by the config's rule and the data's counts; that of the tests does not.
func TestProgramsMixByTheConfig(t *testing.T) {
	j := job(t, filepath.Join(t.TempDir(), "r"), fake(), "train.mix=remix", "train.mix_kappa=1.5", "train.mix_tau=1", "seed=5")
	p, err := Build(j.Config, j.Data)
	if err != nil {
		t.Fatal(err)
	}
	want, err := mix.New("remix", mix.Options{"kappa": 1.5, "tau": 1}, mix.Set{Seed: 5, Counts: j.Data.Counts, Height: 32, Width: 32})
	if err != nil {
		t.Fatal(err)
	}
	labels := []int32{0, 9, 4, 0, 9}
	for step := range 10 {
		got, want := p.Train.Mix.Draw(step, labels), want.Draw(step, labels)
		for i := range labels {
			if got.First[i] != want.First[i] || got.Partners[i] != want.Partners[i] {
				t.Fatalf("step %d: %+v, want %+v", step, got, want)
			}
		}
	}
	if p.Eval.Mix != nil {
		t.Error("the tests mix images")
	}
	plain := job(t, filepath.Join(t.TempDir(), "r"), fake())
	if p, err := Build(plain.Config, plain.Data); err != nil || p.Train.Mix != nil {
		t.Errorf("a plain training mixes images, or: %v", err)
	}
}
