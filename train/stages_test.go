package train

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/posthoc"
	"longtail/models"
)

// secondStages are configs of the tiny run that start from another one.
func secondStages(first string) map[string][]string {
	from := "train.init_from=" + first
	return map[string][]string{
		"cRT":              {from, "train.fresh=classifier", "train.freeze=features", "data.sampler=class"},
		"LWS":              {from, "model.class_scale=true", "train.freeze=all_but_scale", "data.sampler=class"},
		"weight balancing": {from, "train.freeze=features", "train.max_norm=0.4", "train.weight_decay=0.1", "loss.beta=0.9999"},
	}
}

// A second stage that is interrupted in the middle of an epoch, or in the tests at its end, ends with the bytes of one that is not, and an
// evaluation gives the results that it recorded.
func TestInterruptedSecondStagesResume(t *testing.T) {
	first := filepath.Join(t.TempDir(), "first")
	mustRun(t, job(t, first, fake()))
	for name, overrides := range secondStages(first) {
		dir := filepath.Join(t.TempDir(), "r")
		o := mustRun(t, job(t, dir, fake(), overrides...))
		want := files(t, dir)
		for when, at := range map[string]func(Event) bool{
			"in an epoch":    func(e Event) bool { p, ok := e.(Progress); return ok && p.Step == 8 },
			"after an epoch": func(e Event) bool { p, ok := e.(Progress); return ok && p.Step == 11 },
			"in a test":      func(e Event) bool { _, ok := e.(Testing); return ok },
		} {
			dir := filepath.Join(t.TempDir(), "r")
			interruptAt(t, dir, at, overrides...)
			mustRun(t, job(t, dir, fake(), overrides...))
			sameFiles(t, name+", interrupted "+when, want, files(t, dir))
		}
		j := job(t, dir, fake(), overrides...)
		e, err := Evaluate(context.Background(), j.evalJob(fake()))
		if err != nil {
			t.Fatal(err)
		}
		if !equalJSON(e.Results["last"], o.Summary.Last) {
			t.Errorf("%s: evaluation gives %+v, the run %+v", name, e.Results["last"], o.Summary.Last)
		}
		_, err = Evaluate(context.Background(), j.evalJob(fake(), posthoc.Adjustment{Method: posthoc.Normalise, Tau: 1}))
		if scaled := name == "LWS"; scaled != (fail.Code(err) == fail.CodeUsage && strings.Contains(err.Error(), "model.class_scale")) {
			t.Errorf("%s: tau-normalisation: %v", name, err)
		}
	}
}

// The rows of the classifier are shortened once an epoch, before its tests: no checkpoint at the end of an epoch has a longer one, and
// the run is another one than without.
func TestMaxNormBoundsTheRowsOfTheClassifier(t *testing.T) {
	const radius = 0.4
	lengths := func(overrides ...string) (longest []float64) {
		j := job(t, filepath.Join(t.TempDir(), "r"), fake(), overrides...)
		j.Observers = []Observer{func(e Event) error {
			saving, ok := e.(Saving)
			if !ok || saving.Checkpoint.Step != saving.Checkpoint.Recorded {
				return nil
			}
			longest = append(longest, 0)
			w := saving.Checkpoint.State[models.ClassifierWeight]
			for row := range slices.Chunk(w.Data().([]float32), w.Shape()[1]) {
				square := 0.0
				for _, v := range row {
					square += float64(v) * float64(v)
				}
				longest[len(longest)-1] = max(longest[len(longest)-1], math.Sqrt(square))
			}
			return nil
		}}
		mustRun(t, j)
		return longest
	}
	free, bound := lengths(), lengths("train.max_norm=0.4")
	if len(bound) != 5 || slices.Max(bound) > radius*(1+1e-6) || slices.Min(bound) < radius*(1-1e-6) || slices.Min(free) <= radius {
		t.Errorf("the longest rows are %v, with a radius of %v %v", free, radius, bound)
	}
}

// What a program trains, and what a checkpoint has, follow the keys.
func TestProgramsOfSecondStages(t *testing.T) {
	trained := func(overrides ...string) (names []string) {
		j := job(t, filepath.Join(t.TempDir(), "r"), fake(), overrides...)
		p, err := Build(j.Config, j.Data)
		if err != nil {
			t.Fatal(err)
		}
		for name := range device.StateShapes(p.Train) {
			if name, is := strings.CutPrefix(name, device.MomentumPrefix); is {
				names = append(names, name)
			}
		}
		for name := range device.StateShapes(p.Eval) {
			if p.Initial[name] == nil {
				t.Errorf("%v: %s is not in the initial state", overrides, name)
			}
		}
		slices.Sort(names)
		return names
	}
	stages := secondStages("r")
	for name, want := range map[string][]string{
		"cRT": {models.ClassifierBias, models.ClassifierWeight},
		"LWS": {models.ClassScale},
	} {
		if got := trained(stages[name]...); !slices.Equal(got, want) {
			t.Errorf("%s trains %v, want %v", name, got, want)
		}
	}
	all := trained()
	if got := trained("model.class_scale=true"); !slices.Equal(got, slices.Sorted(slices.Values(append(all, models.ClassScale)))) || len(all) < 20 {
		t.Errorf("with a scale of the classes %v are trained, without %v", got, all)
	}
}
