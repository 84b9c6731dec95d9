package programtest

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/models"

	"gorgonia.org/tensor"
)

// The size of the second stages that Frozen trains.
const (
	frozenBatch   = 4
	frozenClasses = 5
)

// Frozen trains second stages on a backend: the classifier alone, with a learned scale of the classes, and the scale alone. It fails unless
// gradients equal the float64 ones of the features that the backend computes, within tolerance times their root mean square, and unless all
// that is frozen keeps its bits.
func Frozen(t *testing.T, b device.Backend, precision device.Precision, tolerance float64) {
	weight, scale := []string{models.ClassifierWeight, models.ClassifierBias}, []string{models.ClassScale}
	for name, c := range map[string]struct {
		set     func(*models.Config)
		trained []string
	}{
		"classifier":           {func(m *models.Config) { m.Frozen = true }, weight},
		"classifier and scale": {func(m *models.Config) { m.Frozen, m.ClassScale = true, true }, slices.Concat(weight, scale)},
		"scale":                {func(m *models.Config) { m.Frozen, m.ClassScale, m.FrozenClassifier = true, true, true }, scale},
	} {
		t.Run(name, func(t *testing.T) {
			n := Network("resnet8", "projection", "softmax", frozenClasses, 1)
			c.set(&n.Model)
			s := openStage(t, b, precision, n)
			s.compareGradients(t, c.trained, tolerance)
			if _, err := s.train.Run([]int32{0, 1, 2, 3, 3, 2, 1, 0}, 1, 2); err != nil {
				t.Fatal(err)
			}
			s.compareState(t, c.trained)
		})
	}
}

// stage is a training session with an evaluation session on its parameters.
type stage struct {
	train, eval device.Session
	start       device.State
	labels      []int32
	weights     []float32 // [C] class weights
}

func openStage(t *testing.T, b device.Backend, precision device.Precision, n program.Network) *stage {
	t.Helper()
	images := data.Images{Pixels: make([]byte, frozenBatch*3*32*32), Labels: []int32{2, 0, 4, 1}, Classes: frozenClasses, Channels: 3, Height: 32, Width: 32}
	for i := range images.Pixels {
		images.Pixels[i] = byte(i * i >> 3)
	}
	training, net, err := n.Plan(frozenBatch, plan.Options{Train: true, Samples: frozenBatch, Momentum: .9, WeightDecay: 2e-3, RunningKeep: .9})
	if err != nil {
		t.Fatal(err)
	}
	checkNoBackward(t, training)
	evaluation, _, err := n.Plan(frozenBatch, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{start: startOf(net), labels: images.Labels, weights: []float32{.5, 1, 1.5, 2, .25}}
	var errTrain, errEval error
	s.train, errTrain = b.Open(training, precision, images, nil)
	s.eval, errEval = b.Open(evaluation, precision, images, s.train)
	if err := errors.Join(errTrain, errEval); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.eval.Close(), s.train.Close()); err != nil {
			t.Error(err)
		}
	})
	rates := []float32{.1, .1, .1}
	if err := errors.Join(s.train.Set(plan.LearningRates, rates), s.train.Set(program.ClassWeights, s.weights), s.train.Load(s.start)); err != nil {
		t.Fatal(err)
	}
	return s
}

// checkNoBackward fails where a program computes something for gradients of features, or moments of a batch.
func checkNoBackward(t *testing.T, p *plan.Program) {
	t.Helper()
	for i := range p.Steps {
		switch kind := plan.KindOf(&p.Steps[i]); kind {
		case ops.KindNone, ops.KindConv, ops.KindNormalize, ops.KindReLU, ops.KindAdd, ops.KindGlobalAverage, ops.KindDense,
			ops.KindDenseGradWeights, ops.KindDenseGradBias:
		default:
			t.Errorf("a step with frozen features computes %v", kind)
		}
	}
}

// startOf is a state in which no moment and no scale has the value that it is drawn with.
func startOf(net models.Net) device.State {
	state := program.InitialState(net, 5)
	for name, v := range state {
		if strings.HasPrefix(name, device.RunningPrefix) || name == models.ClassScale {
			for i, x := range v.Data().([]float32) {
				v.Data().([]float32)[i] = x + .1 + .03*float32(i%7)
			}
		}
	}
	return state
}

// compareGradients does one step and compares the gradients of the trained parameters, and the logits of an evaluation before it.
func (s *stage) compareGradients(t *testing.T, trained []string, tolerance float64) {
	t.Helper()
	order := []int32{3, 1, 0, 2}
	if _, err := s.eval.Run(order, 0, 1); err != nil {
		t.Fatal(err)
	}
	features, err := s.eval.Read(device.Features)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.train.Run(order, 0, 1); err != nil {
		t.Fatal(err)
	}
	want := s.reference(features, order)
	for name := range s.start {
		got, err := s.train.Read(device.GradientPrefix + name)
		if slices.Contains(trained, name) != (err == nil) {
			t.Errorf("the gradient of %s: %v", name, err)
		}
		if err == nil {
			compare(t, "the gradient of "+name, got, want[name], tolerance)
		}
	}
	logits, err := s.eval.Read(device.Logits)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "the logits of an evaluation", logits, want[device.Logits], tolerance)
}

// compare fails where numbers differ by more than tolerance times the root mean square of those wanted.
func compare(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	square, worst := 0.0, 0.0
	for i, w := range want {
		square += w * w
		worst = max(worst, math.Abs(float64(got[i])-w))
	}
	if rms := math.Sqrt(square / float64(len(got))); rms == 0 || !(worst <= tolerance*rms) {
		t.Errorf("%s: off by %.2g of the root mean square %.2g", what, worst/rms, rms)
	}
}

// reference are the logits [N, C] of features [N, F], and the gradients of their weighted softmax loss by name, in float64.
func (s *stage) reference(features []float32, order []int32) map[string][]float64 {
	w, bias := s.values(models.ClassifierWeight), s.values(models.ClassifierBias)
	scale := slices.Repeat([]float64{1}, frozenClasses)
	if s.start[models.ClassScale] != nil {
		scale = s.values(models.ClassScale)
	}
	dw, db, ds := make([]float64, len(w)), make([]float64, frozenClasses), make([]float64, frozenClasses)
	var logits []float64
	width := len(w) / frozenClasses
	for i, image := range order {
		f, z, sum := features[i*width:][:width], make([]float64, frozenClasses), 0.0
		for c := range z {
			z[c] = bias[c]
			for k, x := range f {
				z[c] += float64(x) * w[c*width+k]
			}
			sum += math.Exp(z[c] * scale[c])
		}
		label := int(s.labels[image])
		for c := range z {
			logits = append(logits, z[c]*scale[c])
			d := math.Exp(z[c]*scale[c]) / sum
			if c == label {
				d--
			}
			d *= float64(s.weights[label]) / frozenBatch
			ds[c] += d * z[c]
			db[c] += d * scale[c]
			for k, x := range f {
				dw[c*width+k] += d * scale[c] * float64(x)
			}
		}
	}
	return map[string][]float64{models.ClassifierWeight: dw, models.ClassifierBias: db, models.ClassScale: ds, device.Logits: logits}
}

func (s *stage) values(name string) []float64 {
	var wide []float64
	for _, v := range float32s(s.start[name]) {
		wide = append(wide, float64(v))
	}
	return wide
}

func float32s(v *tensor.Dense) []float32 { return v.Data().([]float32) }

// compareState compares the state with that of the start: what is trained has changed, and has momenta; all else has its bits.
func (s *stage) compareState(t *testing.T, trained []string) {
	t.Helper()
	state, err := s.train.Save()
	if err != nil {
		t.Fatal(err)
	}
	for name := range s.start {
		if state[name] == nil {
			t.Errorf("%s is not in the state", name)
		}
	}
	for name, v := range state {
		moves := slices.Contains(trained, strings.TrimPrefix(name, device.MomentumPrefix))
		if s.start[name] == nil || slices.Equal(float32s(v), float32s(s.start[name])) == moves {
			t.Errorf("%s: it moves: %v, want %v", name, !moves, moves)
		}
	}
}
