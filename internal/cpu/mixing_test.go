package cpu_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"longtail/data"
	"longtail/data/mix"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/program/programtest"
)

// mixing is that of a rule for images of 32 x 32.
func mixing(t *testing.T, rule string, images data.Images) *mix.Mixing {
	t.Helper()
	set := mix.Set{Seed: 4, Counts: make([]int, images.Classes), Height: 32, Width: 32}
	for _, label := range images.Labels {
		set.Counts[label]++
	}
	m, err := mix.New(rule, nil, set)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// openMixed makes a training session that mixes images, with class weights.
func openMixed(t *testing.T, m *mix.Mixing, batch int, images data.Images, weights []float32) device.Session {
	t.Helper()
	p, net, err := network("resnet8", "avgpool", "softmax", images.Classes).Plan(batch, plan.Options{
		Train: true, Augment: true, Mix: m, Seed: 5, Samples: images.Len(), Momentum: .9, WeightDecay: 2e-4, RunningKeep: .9,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := cpu.New(2).Open(p, device.FP32, images, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, err := range []error{
		s.Set(plan.LearningRates, []float32{.05, .05, .05, .05}), s.Set(program.ClassWeights, weights), s.Load(program.InitialState(net, 3)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// For every rule, the loss of a step and the gradient of the classifier's bias are those of the logits in float64, and metrics count the
// first labels; steps run one by one end with the bits of steps run together.
func TestMixedStepsEqualFloat64(t *testing.T) {
	const batch, classes = 6, 4
	images, weights := noise(3, 15, classes), []float32{.5, 1, 2, .25}
	for _, rule := range mix.Names() {
		m := mixing(t, rule, images)
		s, whole := openMixed(t, m, batch, images, weights), openMixed(t, m, batch, images, weights)
		for step := range 3 {
			sums := run(t, s, images, batch, step, 1)
			labels := make([]int32, batch)
			for i, sample := range programtest.Order(5, images.Len(), step*batch, batch) {
				labels[i] = images.Labels[sample]
			}
			mixture := m.Draw(step, labels)
			loss, gradient := programtest.MixedSoftmax(read(t, s, device.Logits), labels, weights, &mixture)
			if math.Abs(sums.Loss/batch-loss) > 1e-6*loss || sums.Samples != batch {
				t.Errorf("%s, step %d: the loss is %v, want %v", rule, step, sums.Loss/batch, loss)
			}
			bias := make([]float64, classes)
			for i, g := range gradient {
				bias[i%classes] += g
			}
			for c, got := range read(t, s, device.GradientPrefix+"dense.bias") {
				if math.Abs(float64(got)-bias[c]) > 1e-6 {
					t.Errorf("%s, step %d: the bias's gradient of class %d is %v, want %v", rule, step, c, got, bias[c])
				}
			}
			for c := range classes {
				seen := int64(0)
				for pair, n := range sums.Confusion {
					if int(pair.Label) == c {
						seen += n
					}
				}
				for _, label := range labels {
					if int(label) == c {
						seen--
					}
				}
				if seen != 0 {
					t.Errorf("%s, step %d: row %d of the confusion matrix is off by %d", rule, step, c, seen)
				}
			}
		}
		run(t, whole, images, batch, 0, 3)
		if !bytes.Equal(bits(t, s), bits(t, whole)) {
			t.Errorf("%s: three steps one by one end in other bits than three at once", rule)
		}
	}
}

func read(t *testing.T, s device.Session, name string) []float32 {
	t.Helper()
	v, err := s.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// wrong mixes as its mixture says, whatever the batch.
type wrong plan.Mixture

func (w wrong) Draw(int, []int32) plan.Mixture { return plan.Mixture(w) }

// A rule that breaks its contract is an error that names the step, and no step is done.
func TestWrongMixturesAreErrors(t *testing.T) {
	images := noise(3, 8, 4)
	for want, m := range map[string]plan.Mixture{
		"has 1 partners":                       {Partners: []int32{0}, First: []float32{0, 0}},
		"is number 2 of a batch of 2":          {Partners: []int32{0, 2}, First: []float32{0, 0}},
		"label factor of image 1 is 1.5":       {Partners: []int32{0, 1}, First: []float32{0, 1.5}},
		"mixed by -1 outside":                  {Partners: []int32{0, 1}, First: []float32{0, 1}, Share: -1},
		"mixed by 1 outside of the box {Top:0": {Partners: []int32{0, 1}, First: []float32{0, 1}, Share: 1, Box: plan.Box{Bottom: 33}},
	} {
		p, net, err := network("resnet8", "avgpool", "softmax", 4).Plan(2, plan.Options{Train: true, Mix: wrong(m), Samples: 8})
		if err != nil {
			t.Fatal(err)
		}
		s, err := cpu.New(1).Open(p, device.FP32, images, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Set(plan.LearningRates, []float32{.1, .1, .1}); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(program.InitialState(net, 3)); err != nil {
			t.Fatal(err)
		}
		before := bits(t, s)
		if _, err := s.Run([]int32{0, 1}, 2, 1); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "step 2") {
			t.Errorf("%v, want %q", err, want)
		}
		if !bytes.Equal(bits(t, s), before) {
			t.Errorf("%s: the state has changed", want)
		}
	}
}

// Only a training mixes images.
func TestEvaluationDoesNotMix(t *testing.T) {
	n := network("resnet8", "avgpool", "softmax", 4)
	if _, _, err := n.Plan(2, plan.Options{Mix: wrong{}}); err == nil {
		t.Error("an evaluation program mixes images")
	}
}
