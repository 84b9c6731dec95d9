//go:build gpu

package cuda

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"longtail/data"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/program/programtest"
)

// newBackend opens the device until the test ends.
func newBackend(t testing.TB) *Backend {
	t.Helper()
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// experiment is a small training to be run on several backends.
type experiment struct {
	model, shortcut, loss string
	classes, batch        int
	gamma                 float64
	side                  int // of the images; 0 is 32
	divisor               string

	input string              // data.input; empty is bytes
	more  func(*plan.Options) // what else a training program declares; nil is nothing

	stage func(*program.Network) // what of the network is frozen or scaled; nil is nothing
}

func (e experiment) String() string {
	return fmt.Sprintf("%s %s %s, %d classes, batch %d", e.model, e.shortcut, e.loss, e.classes, e.batch)
}

func (e experiment) network() program.Network {
	var n program.Network
	switch e.model {
	case bottlenecks.model:
		n = programtest.Bottlenecks(e.loss, e.classes, e.gamma)
	case manyClasses.model:
		n = programtest.Stem(e.loss, e.classes, e.gamma)
	default:
		n = programtest.Network(e.model, e.shortcut, e.loss, e.classes, e.gamma)
		n.Image.Height, n.Image.Width = cmp.Or(e.side, 32), cmp.Or(e.side, 32)
	}
	n.Divisor = e.divisor
	for c := range e.classes {
		n.Counts = append(n.Counts, 1+500/(c+1))
	}
	if e.stage != nil {
		e.stage(&n)
	}
	if e.input != "" {
		in, err := data.NewInput(e.input, 3)
		if err != nil {
			panic(err)
		}
		n.Pixels = plan.Pixels(in)
	}
	return n
}

// resampled is an experiment with all that a sampler, an input and an optimiser may ask of a step: repeated images from the second epoch
// on, the input by mean and deviation, a square of zeros, Nesterov's momentum.
var resampled = experiment{
	model: "resnet8", shortcut: "subsample", loss: "softmax", classes: 10, batch: 12, input: data.StandardInput,
	more: func(o *plan.Options) { o.Repeats, o.RepeatsFrom, o.Cutout, o.Nesterov = true, 1, 16, true },
}

// bottlenecks is an experiment with the kernels for large images and many channels.
var bottlenecks = experiment{model: "bottlenecks", shortcut: "projection", loss: "softmax", classes: 10, batch: 12, side: programtest.BottlenecksSide}

// manyClasses is an experiment with the classes of iNaturalist 2018, the rows of which have no room in shared memory.
var manyClasses = experiment{model: "stem", loss: "focal", classes: 8142, batch: 3, gamma: 0.5, side: programtest.StemSide}

const samples = 24

// noise is a set of random images.
func (e experiment) noise() data.Images {
	r, side := rand.New(rand.NewPCG(3, 4)), cmp.Or(e.side, 32)
	m := data.Images{Pixels: make([]byte, samples*3*side*side), Labels: make([]int32, samples), Classes: e.classes, Channels: 3, Height: side, Width: side}
	for i := range m.Pixels {
		m.Pixels[i] = byte(r.Uint32())
	}
	for i := range m.Labels {
		m.Labels[i] = int32(r.IntN(e.classes))
	}
	return m
}

// options are those of a training program.
func (e experiment) options() plan.Options {
	o := plan.Options{Train: true, Augment: true, Seed: 9, Samples: samples, Momentum: 0.9, WeightDecay: 2e-3, RunningKeep: 0.9}
	if e.more != nil {
		e.more(&o)
	}
	return o
}

// open prepares a training session at its start.
func (e experiment) open(t testing.TB, b device.Backend, precision device.Precision, images data.Images) device.Session {
	t.Helper()
	p, net, err := e.network().Plan(e.batch, e.options())
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Open(p, precision, images, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	e.set(t, s)
	if err := s.Load(program.InitialState(net, 5)); err != nil {
		t.Fatal(err)
	}
	return s
}

// set sets the inputs of a training session.
func (e experiment) set(t testing.TB, s device.Session) {
	t.Helper()
	rates := make([]float32, 100)
	for i := range rates {
		rates[i] = 0.02 + 0.001*float32(i)
	}
	if err := errors.Join(s.Set(plan.LearningRates, rates), s.Set(program.ClassWeights, e.weights())); err != nil {
		t.Fatal(err)
	}
}

// weights are the class weights of an experiment.
func (e experiment) weights() []float32 {
	weights := make([]float32, e.classes)
	for i := range weights {
		weights[i] = 0.5 + float32(i%5)/4
	}
	return weights
}

func (e experiment) order(first, n int) []int32 {
	return programtest.Order(7, samples, first*e.batch, n*e.batch)
}

// compareClose fails where two tensors differ by more than tolerance times the root mean square of the wanted one.
func compareClose(t *testing.T, name string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", name, len(got), len(want))
		return
	}
	square, worst, at := 0.0, 0.0, 0
	for i := range want {
		square += float64(want[i]) * float64(want[i])
		if d := math.Abs(float64(got[i]) - float64(want[i])); d > worst || d != d {
			worst, at = d, i
		}
	}
	scale := math.Sqrt(square/float64(len(want))) + 1e-12
	if !(worst <= tolerance*scale) {
		t.Errorf("%s[%d] is %v, want %v: off by %.2g of the root mean square %.3g", name, at, got[at], want[at], worst/scale, scale)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// compareStep runs one step on both sessions and compares logits, loss, metrics and every gradient.
func (e experiment) compareStep(t *testing.T, got, want device.Session, step int, tolerance float64) {
	t.Helper()
	a, b := must[device.Sums](t)(got.Run(e.order(step, 1), step, 1)), must[device.Sums](t)(want.Run(e.order(step, 1), step, 1))
	if a.Samples != b.Samples || a.NonFinite || math.Abs(a.Loss-b.Loss) > tolerance*b.Loss || step == 0 && !maps.Equal(a.Confusion, b.Confusion) {
		t.Errorf("step %d: sums %+v, want %+v", step, a, b)
	}
	read := must[[]float32](t)
	compareClose(t, "logits", read(got.Read("logits")), read(want.Read("logits")), tolerance)
	compareClose(t, "loss", read(got.Read("loss")), read(want.Read("loss")), tolerance)
	p := must[device.State](t)(want.Save())
	for name := range p {
		if g, err := want.Read("gradient/" + name); err == nil {
			compareClose(t, "gradient/"+name, read(got.Read("gradient/"+name)), g, 4*tolerance)
		}
	}
}

func TestStepsEqualTheCPU(t *testing.T) {
	for _, e := range []experiment{
		{model: "resnet8", shortcut: "avgpool", loss: "focal", classes: 10, batch: 5, gamma: 1},
		{model: "resnet8", shortcut: "projection", loss: "softmax", classes: 100, batch: 3},
		{model: "resnet8", shortcut: "subsample", loss: "sigmoid", classes: 20, batch: 4},
		{model: "resnet8", shortcut: "subsample", loss: "ldam", classes: 10, batch: 6, divisor: "weights"},
		{model: "resnet8", shortcut: "projection", loss: "softmax", classes: 10, batch: 5, stage: func(n *program.Network) { n.Model.Frozen = true }},
		{model: "resnet8", shortcut: "subsample", loss: "ldam", classes: 10, batch: 4, divisor: "weights", stage: func(n *program.Network) { n.Model.ClassScale = true }},
		{model: manyClasses.model, loss: "vs", classes: 16384, batch: 2, side: manyClasses.side, divisor: "weights"},
		resampled, bottlenecks, manyClasses,
	} {
		t.Run(e.String(), func(t *testing.T) {
			images := e.noise()
			got, want := e.open(t, newBackend(t), device.FP32, images), e.open(t, cpu.New(0), device.FP32, images)
			e.compareStep(t, got, want, 0, 1e-4)
			for step := 1; step < 3; step++ {
				e.compareStep(t, got, want, step, 2e-2)
			}
			a, b := must[device.State](t)(got.Save()), must[device.State](t)(want.Save())
			for name := range b {
				compareClose(t, name, a[name].Data().([]float32), b[name].Data().([]float32), 2e-2)
			}
		})
	}
}

// cosine prepares a training session of a network with a cosine classifier on images of 8 x 8, whose steps take little of the emulator's time.
func cosine(t *testing.T, b device.Backend, batch, classes int, rates []float32) device.Session {
	t.Helper()
	graph, net, err := programtest.CosineHead(batch, classes)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(graph, plan.Options{Train: true, Samples: samples, Momentum: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	images := experiment{classes: classes}.noise()
	images.Pixels, images.Height, images.Width = images.Pixels[:samples*3*8*8], 8, 8
	s := must[device.Session](t)(b.Open(p, device.FP32, images, nil))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(s.Set(plan.LearningRates, rates), s.Load(program.InitialState(net, 3))); err != nil {
		t.Fatal(err)
	}
	return s
}

// A cosine classifier has row programs on features, class weights and logits; only those of the logits count metrics.
func TestCosineHeadEqualsTheCPU(t *testing.T) {
	var sums []device.Sums
	var states []device.State
	for _, b := range []device.Backend{newBackend(t), cpu.New(0)} {
		s := cosine(t, b, 4, 11, []float32{0.1, 0.1})
		sums = append(sums, must[device.Sums](t)(s.Run([]int32{3, 1, 2, 0, 5, 4, 7, 6}, 0, 2)))
		states = append(states, must[device.State](t)(s.Save()))
	}
	if math.Abs(sums[0].Loss-sums[1].Loss) > 1e-4*sums[1].Loss || !maps.Equal(sums[0].Confusion, sums[1].Confusion) {
		t.Errorf("sums are %+v, want %+v", sums[0], sums[1])
	}
	for name := range states[1] {
		compareClose(t, name, states[0][name].Data().([]float32), states[1][name].Data().([]float32), 1e-4)
	}
}

// One step of the paper's network in both precisions.
func TestResNet32TakesAStep(t *testing.T) {
	e := experiment{model: "resnet32", shortcut: "avgpool", loss: "focal", classes: 100, batch: 2, gamma: 0.5}
	images, b := e.noise(), newBackend(t)
	want := e.open(t, cpu.New(0), device.FP32, images)
	e.compareStep(t, e.open(t, b, device.FP32, images), want, 0, 5e-3)
	mixed := e.open(t, b, device.Mixed, images)
	e.train(t, mixed, 0, 1)
	read := must[[]float32](t)
	if d := distance(read(mixed.Read("logits")), read(want.Read("logits"))); d > 2e-2 {
		t.Errorf("logits of the mixed step are off by %.2g", d)
	}
}

// Two epochs of a small network from the same seed on both backends, with the same order, crops and flips. The learning rate is small:
// training amplifies every difference of rounding, and this test is about the arithmetic, not about that.
func TestTwoEpochsEqualTheCPU(t *testing.T) {
	e := experiment{model: "resnet8", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 6}
	images := e.noise()
	got, want := e.open(t, newBackend(t), device.FP32, images), e.open(t, cpu.New(0), device.FP32, images)
	rates := slices.Repeat([]float32{1e-3}, 100)
	for _, s := range []device.Session{got, want} {
		if err := s.Set(plan.LearningRates, rates); err != nil {
			t.Fatal(err)
		}
	}
	for epoch := range 2 {
		n := samples / e.batch
		a, b := e.train(t, got, epoch*n, n), e.train(t, want, epoch*n, n)
		if a.Samples != b.Samples || math.Abs(a.Loss-b.Loss) > 1e-3*b.Loss {
			t.Errorf("epoch %d: sums %+v, want %+v", epoch, a, b)
		}
	}
}

// distance is the Euclidean distance of two vectors in units of the wanted one's length.
func distance(got, want []float32) float64 {
	d, s := 0.0, 0.0
	for i := range want {
		d += (float64(got[i]) - float64(want[i])) * (float64(got[i]) - float64(want[i]))
		s += float64(want[i]) * float64(want[i])
	}
	return math.Sqrt(d / s)
}

// In a mixed step every activation is rounded to 11 bits, which moves the logits by a few times 2^-11. A gradient moves more: some
// pixels end on the other side of a ReLU, and each takes its part of the gradient along. The bounds are about twice what was seen.
func TestMixedStepsAreNearFP32(t *testing.T) {
	for _, e := range []experiment{
		{model: "resnet8", shortcut: "avgpool", loss: "focal", classes: 10, batch: 5, gamma: 1},
		{model: "resnet8", shortcut: "projection", loss: "softmax", classes: 100, batch: 3},
		{model: "resnet8", shortcut: "subsample", loss: "softmax", classes: 20, batch: 4},
		resampled, bottlenecks, manyClasses,
	} {
		t.Run(e.String(), func(t *testing.T) {
			images := e.noise()
			b := newBackend(t)
			got, want := e.open(t, b, device.Mixed, images), e.open(t, b, device.FP32, images)
			e.train(t, got, 0, 1)
			e.train(t, want, 0, 1)
			read := must[[]float32](t)
			if d := distance(read(got.Read("logits")), read(want.Read("logits"))); d > 5e-3 {
				t.Errorf("logits are off by %.2g", d)
			}
			for name := range must[device.State](t)(want.Save()) {
				g, err := want.Read("gradient/" + name)
				if err != nil {
					continue
				}
				if d := distance(read(got.Read("gradient/"+name)), g); d > 0.25 {
					t.Errorf("gradient/%s is off by %.2g", name, d)
				}
			}
		})
	}
}
