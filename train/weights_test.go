package train

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/run"

	"pgregory.net/rapid"
)

// onCPU opens the CPU backend on one thread.
func onCPU(_, _ string) (*device.Device, error) {
	return &device.Device{Backend: cpu.New(1), Precision: device.FP32}, nil
}

func TestFirstStepIsTheOneAfterTheEpochs(t *testing.T) {
	for _, c := range []struct {
		epoch    float64
		batch, n int
		want     int
	}{
		{0, 8, 37, 0}, {1, 8, 37, 5}, {2, 8, 37, 10}, {8, 8, 37, 37}, {0.5, 8, 37, 3}, {160, 128, 12406, 15508}, {1, 8, 40, 5},
	} {
		if got := firstStep(c.epoch, c.batch, c.n); got != c.want {
			t.Errorf("after %v epochs of %d images in batches of %d: step %d, want %d", c.epoch, c.n, c.batch, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		epoch, batch, n := rapid.Float64Range(0, 1e4).Draw(t, "epoch"), rapid.IntRange(1, 1000).Draw(t, "batch"), rapid.IntRange(1, 100_000).Draw(t, "n")
		step := firstStep(epoch, batch, n)
		if epochAt(step, batch, n) < epoch || step > 0 && epochAt(step-1, batch, n) >= epoch {
			t.Fatalf("step %d is not the first one from epoch %v", step, epoch)
		}
	})
}

// The weights change at the step of a milestone at the same epoch.
func TestWeightsChangeWithAMilestoneOfTheSameEpoch(t *testing.T) {
	c := load(t, "train.epochs=4", "train.warmup_epochs=0", "train.milestones=[1.7]", "train.multipliers=[0.5]", "train.batch=8", "loss.beta=0.9", "loss.reweight_from=1.7")
	rates := LearningRates(c, 37)
	if from := firstStep(c.Loss.ReweightFrom, 8, 37); rates[from-1] == rates[from] {
		t.Errorf("rates %v, weights change at step %d", rates, from)
	}
}

// Runs that resume before, at and after the change of the weights end as one that was never interrupted, however many steps a call does.
func TestDeferredRunsResumeWithTheSameBits(t *testing.T) {
	for _, perCall := range []int{1, 3, 100} {
		c := load(t, "train.batch=8", "train.epochs=5.5", "train.checkpoint_every=1", "loss.beta=0.9", "loss.reweight_from=2.6")
		b := &fakeBackend{stepsPerCall: perCall}
		whole := finish(t, c, b, nil)
		from := firstStep(2.6, 8, 37)
		if !slices.ContainsFunc(whole.saved, func(c *Checkpoint) bool { return c.Step == from }) {
			t.Fatalf("no checkpoint at step %d", from)
		}
		for _, at := range whole.saved {
			sameEnd(t, whole, finish(t, c, b, reread(t, at, Steps(37, 8, 5.5))), at)
		}
		for _, other := range []string{"loss.reweight_from=0", "loss.reweight_from=3"} {
			d := load(t, "train.batch=8", "train.epochs=5.5", "train.checkpoint_every=1", "loss.beta=0.9", other)
			if string(bytesOf(t, finish(t, d, b, nil).last())) == string(bytesOf(t, whole.last())) {
				t.Errorf("%s ends with the same bits", other)
			}
		}
	}
}

// A call ends where the weights change.
func TestCallsEndWhereWeightsChange(t *testing.T) {
	c := load(t, "train.batch=8", "train.epochs=5.5", "train.eval_every=0", "loss.beta=0.9", "loss.reweight_from=1.5")
	var steps []int
	for _, e := range finish(t, c, &fakeBackend{stepsPerCall: 100}, nil).events {
		if p, ok := e.(Progress); ok {
			steps = append(steps, p.Step)
		}
	}
	if from := firstStep(1.5, 8, 37); !slices.Contains(steps, from) {
		t.Errorf("calls end at steps %v, the weights change at %d", steps, from)
	}
}

// Deferred re-weighting equals a training whose weights are changed between two steps: bit for bit, on the CPU backend.
func TestDeferredEqualsWeightsChangedByHand(t *testing.T) {
	overrides := []string{"loss.beta=0.99", "loss.reweight_from=2.3", "loss.divisor=weights", "train.epochs=4", "train.checkpoint_every=0"}
	j := job(t, filepath.Join(t.TempDir(), "r"), nil, overrides...)
	j.Open = onCPU
	mustRun(t, j)
	deferred, err := run.ReadTensors(filepath.Join(j.Config.Out, run.Last))
	if err != nil {
		t.Fatal(err)
	}

	w, err := j.prepare(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	stream, err := NewStream(w.Config, w.Labels, w.Classes, w.Files)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, v []float32) {
		if err := w.Train.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	set(plan.LearningRates, LearningRates(w.Config, w.images()))
	if err := w.Train.Load(w.programs.Initial); err != nil {
		t.Fatal(err)
	}
	ones := make([]float32, w.Classes)
	for c := range ones {
		ones[c] = 1
	}
	set(program.ClassWeights, ones)
	if w.images() != 44 {
		t.Fatalf("%d images", w.images())
	}
	for step := range w.steps {
		if step == 13 { // of 44 images in batches of 8: 12 steps are 2.18 epochs
			set(program.ClassWeights, w.Weights.Final)
		}
		order, err := stream.Take(step*8, 8)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Train.Run(order, step, 1); err != nil {
			t.Fatal(err)
		}
	}
	state, err := w.Train.Save()
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range state {
		if !slices.Equal(v.Data().([]float32), deferred.Tensors[name].Data) {
			t.Errorf("%s differs", name)
		}
	}
	if w.Weights.Before[0] != 1 || w.Weights.Final[0] == 1 || w.Weights.From != 13 {
		t.Errorf("weights %+v", w.Weights)
	}
}

// What a run reports of a test is what its checkpoints give when they are evaluated: those from before the weights changed with the
// weights of then. Divided by the weights, the loss of the whole set is that of the weighted sum.
func TestReportedLossesAreThoseOfTheWeights(t *testing.T) {
	sets := map[string]float64{}
	for _, divisor := range []string{"batch", "weights"} {
		dir := filepath.Join(t.TempDir(), divisor)
		j := job(t, dir, nil, "loss.beta=0.99", "loss.reweight_from=4.2", "loss.divisor="+divisor, "train.epochs=5", "train.lr=1e-6", "train.eval_every=5")
		j.Open = onCPU
		s := mustRun(t, j).Summary
		e, err := Evaluate(context.Background(), EvalJob{Dir: dir, Open: onCPU, Observe: func(Event) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if e.Results["last"].Loss != s.Last.Loss || e.Results["best"].Loss != s.Best.Loss {
			t.Errorf("divisor %s: evaluated %v and %v, recorded %v and %v", divisor, e.Results["last"].Loss, e.Results["best"].Loss, s.Last.Loss, s.Best.Loss)
		}
		sets[divisor] = s.Last.Loss
		if divisor == "weights" {
			weights, err := newWeights(j.Config, s.Counts)
			if err != nil {
				t.Fatal(err)
			}
			total, n := 0.0, 0
			for c, w := range weights.Final {
				total += float64(w) * float64(s.TestCounts[c])
				n += s.TestCounts[c]
			}
			// Nothing was learnt at that rate, so that both runs have nearly one network.
			if want := sets["batch"] * float64(n) / total; math.Abs(s.Last.Loss-want) > 1e-4*want {
				t.Errorf("the loss by weights is %v, want %v", s.Last.Loss, want)
			}
		}
	}
}
