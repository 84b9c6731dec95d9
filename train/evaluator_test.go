package train

import (
	"context"
	"math"
	"testing"

	"longtail/internal/metrics"
)

// The calibration error of a record is that of the logits of every image of the set once, whatever the padding of the last batch.
func TestRecordsHaveTheCalibrationError(t *testing.T) {
	b := &fakeBackend{stepsPerCall: 5}
	r := finish(t, load(t, "train.batch=8", "train.epochs=2"), b, nil)
	task := fakeTask(load(t), b)
	if err := task.Test.Session.Load(r.last().State); err != nil {
		t.Fatal(err)
	}
	last := r.events[len(r.events)-1].(Finished).Position
	for name, c := range map[string]struct {
		evaluator *Evaluator
		got       *float64
	}{"test": {task.Test, last.Last.ECE}, "held-out": {task.Validation, last.LastValidation.ECE}} {
		var want metrics.Calibration
		s := c.evaluator.Session.(*fakeSession)
		for image, label := range c.evaluator.Labels {
			logits := make([]float64, fakeClasses)
			logits[s.predict(int32(image))] = 1 + float64(s.hash(uint64(image))%2)*float64(label)
			want.Add(logits, int(label))
		}
		if c.got == nil || math.Abs(*c.got-want.Error()) > 1e-12 || want.Error() == 0 {
			t.Errorf("the %s images: got %v, want %v", name, c.got, want.Error())
		}
	}
}

func TestEvaluationIsOneStepACall(t *testing.T) {
	task := fakeTask(load(t), &fakeBackend{stepsPerCall: 100})
	if err := task.Test.Session.Load(task.From.State); err != nil {
		t.Fatal(err)
	}
	var done []int
	if _, err := task.Test.run(context.Background(), task.Weights.Final, "test", func(e Event) error {
		done = append(done, e.(Testing).Done)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(done) != 7 || done[0] != 4 || done[6] != 25 {
		t.Errorf("25 images in batches of 4 are done at %v", done)
	}
}
