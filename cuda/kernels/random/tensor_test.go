//go:build gpu

package random_test

import (
	"math"
	"slices"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// epilogues are what the tensor-core convolutions add and mask with.
var epilogues = []struct{ second, mask lower.TermKind }{
	{lower.TermNone, lower.TermNone}, {lower.TermTensor, lower.TermNorm}, {lower.TermPoolGradient, lower.TermNormReLU}, {lower.TermSubsampleGradient, lower.TermTensor},
	{lower.TermNone, lower.TermTensor}, {lower.TermTensor, lower.TermNone}, {lower.TermNone, lower.TermNormReLU}, {lower.TermNone, lower.TermNorm},
}

// tensorTerm is a term for a tensor-core kernel, whose channels lie in eights.
func (m *maker) tensorTerm(kind lower.TermKind, side, c int) lower.Term {
	depth, before := c/2, c/4
	if kind == lower.TermPoolGradient || kind == lower.TermSubsampleGradient {
		depth, before = 2*c, 8
	}
	return m.term(kind, side, side, c, depth, before)
}

func (m *maker) tensorStatistics(kind lower.StatisticsKind, side, c int) lower.Statistics {
	if kind == lower.StatisticsNone {
		return lower.Statistics{}
	}
	return lower.Statistics{
		Raw: m.stored(m.images * side * side * c), Moments: m.positive(2 * c), Parts: absolute(cudatest.Alloc[float32](m.t, m.s, lower.PartsSize(m.images, c))),
		Ticket: absolute(cudatest.Upload(m.t, m.s, []uint32{0})), Result: absolute(cudatest.Alloc[float32](m.t, m.s, 2*c)), Eps: 1e-3, Factor: m.factor(), Kind: kind,
	}
}

// written fails on a NaN, which memory holds before it is written.
func written(t *testing.T, what string, values []float32) {
	t.Helper()
	if i := slices.IndexFunc(values, func(v float32) bool { return v != v || math.IsInf(float64(v), 0) }); i >= 0 {
		t.Fatalf("%s: element %d is %v", what, i, values[i])
	}
}

// inputs are what the shape's forward kernel reads.
func inputs(s lower.MMAShape) (all []struct{ first, second lower.TermKind }) {
	type pair = struct{ first, second lower.TermKind }
	all = []pair{{lower.TermTensor, lower.TermNone}}
	if s.In == 3 {
		return all
	}
	all = append(all, pair{lower.TermNorm, lower.TermNone}, pair{lower.TermNormReLU, lower.TermNone})
	if s.Window == 1 {
		return all
	}
	all = append(all, pair{lower.TermNorm, lower.TermTensor})
	if s.In > 16 {
		all = append(all, pair{lower.TermNorm, lower.TermNorm}, pair{lower.TermNorm, lower.TermPool}, pair{lower.TermNorm, lower.TermSubsample})
	}
	return all
}

// A result does not depend on what is summed over it.
func TestTensorCores(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		t.Run(s.String(), func(t *testing.T) {
			m := newMaker(t, uint64(number), 8, true)
			m.forward(s)
			if s.In != 3 {
				m.backward(s)
			}
			m.weights(s)
		})
	}
}

// many images are more than a block that adds them up reads at once.
const many = 161

// The block that arrives last adds up the images of a batch, 128 of them in a loop that is unrolled, the rest, 32 at once, in another.
func TestManyImages(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		t.Run(s.String(), func(t *testing.T) {
			m := newMaker(t, uint64(number), 9, true)
			m.images = many
			m.forwardOnce(s, 0)
			if s.In != 3 {
				m.backwardOnce(s, 0)
			}
		})
	}
}

// withStatistics runs a launch without and with statistics and compares the results; of many images, which take long, only with them.
func (m *maker) withStatistics(what string, with lower.StatisticsKind, side, c int, run func(q lower.Statistics, stored lower.Ref) error) {
	m.t.Helper()
	var first []float32
	kinds := []lower.StatisticsKind{lower.StatisticsNone, with}
	if m.images >= many {
		kinds = kinds[1:]
	}
	for _, kind := range kinds {
		q, stored := m.tensorStatistics(kind, side, c), m.room(m.images*side*side*c)
		if err := run(q, stored); err != nil {
			m.t.Fatal(what, err)
		}
		got := m.read(stored, m.images*side*side*c)
		written(m.t, what, got)
		if kind == lower.StatisticsNone {
			first = got
			continue
		}
		written(m.t, what+", statistics", cudatest.Download[float32](m.t, m.s, driver.Ptr(q.Result.Offset), 2*c))
		if m.images < many && !slices.Equal(got, first) {
			m.t.Errorf("%s: the result depends on the statistics", what)
		}
	}
}

func (m *maker) out(n, side, c int) lower.Source {
	e := epilogues[n%len(epilogues)]
	return lower.Source{Second: m.tensorTerm(e.second, side, c), Mask: m.tensorTerm(e.mask, side, c)}
}

func resize(s *lower.Source, side, channels int) {
	s.Height, s.Width, s.Channels = int32(side), int32(side), int32(channels)
}

func (m *maker) sized(w *lower.ConvWeights, s lower.MMAShape, slices int) {
	resize(&w.X, s.Side, s.In)
	resize(&w.Dy, s.ResultSide(), s.Out)
	w.Images, w.Slices = int32(m.images), int32(slices)
}

func (m *maker) kernelWeights(s lower.MMAShape) lower.Ref {
	return m.stored(s.Window * s.Window * s.In * s.Out)
}

func (m *maker) forward(s lower.MMAShape) {
	for n := range max(len(inputs(s)), len(epilogues)) {
		m.forwardOnce(s, n)
	}
}

// forwardOnce runs the n-th of the forms of the forward kernel.
func (m *maker) forwardOnce(s lower.MMAShape, n int) {
	in := inputs(s)[n%len(inputs(s))]
	channels := max(s.In, 4) // the first layer's image has a fourth channel that does not count
	a := lower.Convolution{
		In:  lower.Source{First: m.tensorTerm(in.first, s.Side, channels), Second: m.tensorTerm(in.second, s.Side, channels)},
		Out: m.out(n, s.ResultSide(), s.Out), Weights: m.kernelWeights(s),
	}
	joined := lower.Ref{}
	if in.second != lower.TermNone {
		a.In.ReLU, joined = 1, m.room(m.images*s.Side*s.Side*s.In)
	}
	m.withStatistics("forward", lower.StatisticsMoments, s.ResultSide(), s.Out, func(q lower.Statistics, stored lower.Ref) error {
		a.Statistics, a.Stored = q, stored
		if err := s.CheckForward(a.In, a.Out, q); err != nil {
			return err
		}
		resize(&a.In, s.Side, s.In)
		resize(&a.Out, s.ResultSide(), s.Out)
		a.Images = int32(m.images)
		return m.try(s.Forward(m.images), lower.ConvolutionParameters{Convolution: a, Joined: joined})
	})
	if !joined.IsNull() {
		written(m.t, "joined", m.read(joined, m.images*s.Side*s.Side*s.In))
	}
}

// gradientTerm alternates between a tensor and the gradient through a batch norm; where nothing was counted, a third form.
func (m *maker) gradientTerm(n, side, c int) lower.Source {
	t := m.tensorTerm([]lower.TermKind{lower.TermTensor, lower.TermNormGradient, lower.TermNormGradient}[n%3], side, c)
	if n%3 == 2 {
		t.Count = 0
	}
	return lower.Source{First: t}
}

func (m *maker) activation(s lower.MMAShape, n int) lower.Source {
	kind := []lower.TermKind{lower.TermTensor, lower.TermNorm, lower.TermNormReLU}[n%3]
	if s.In == 3 {
		kind = lower.TermTensor
	}
	return lower.Source{First: m.tensorTerm(kind, s.Side, max(s.In, 4))}
}

func (m *maker) backward(s lower.MMAShape) {
	for n := range epilogues {
		m.backwardOnce(s, n)
	}
}

// backwardOnce runs the n-th of the forms of the backward kernel, and both gradients in one launch: the input's must be the same. Where nothing is
// added, sums are of products with the tensor that masks, as behind a batch norm: kernels read it once.
func (m *maker) backwardOnce(s lower.MMAShape, n int) {
	dy := m.gradientTerm(n, s.ResultSide(), s.Out)
	a := lower.Convolution{In: dy, Out: m.out(n, s.GradientSide(), s.In), Weights: m.kernelWeights(s)}
	resize(&a.In, s.ResultSide(), s.Out)
	resize(&a.Out, s.GradientSide(), s.In)
	a.Images, a.Backward = int32(m.images), 1
	var alone []float32
	size := m.images * s.GradientSide() * s.GradientSide() * s.In
	summed := func(q lower.Statistics) lower.Statistics {
		e := a.Out
		if q.Kind != lower.StatisticsNone && e.Second.Kind == lower.TermNone && (e.Mask.Kind == lower.TermNormReLU || e.Mask.Kind == lower.TermNorm) {
			q.Raw = e.Mask.X
		}
		return q
	}
	m.withStatistics("backward", lower.StatisticsSums, s.GradientSide(), s.In, func(q lower.Statistics, stored lower.Ref) error {
		a.Statistics, a.Stored = summed(q), stored
		if err := s.CheckBackward(a.In, a.Out, q); err != nil {
			return err
		}
		if err := m.try(s.Backward(m.images), lower.ConvolutionParameters{Convolution: a}); err != nil {
			return err
		}
		alone = m.read(stored, size)
		return nil
	})
	m.withStatistics("both gradients", lower.StatisticsSums, s.GradientSide(), s.In, func(q lower.Statistics, stored lower.Ref) error {
		a.Statistics, a.Stored = summed(q), stored
		parts := s.Window * s.Window * s.In * s.Out
		w := lower.ConvWeights{X: m.activation(s, n/2), Dy: dy, Parts: absolute(cudatest.Alloc[float32](m.t, m.s, parts))}
		m.sized(&w, s, 1)
		if err := m.try(s.Gradients(m.images, 1), lower.GradientsParameters{Input: a, Weights: w}); err != nil {
			return err
		}
		written(m.t, "weights of both gradients", cudatest.Download[float32](m.t, m.s, driver.Ptr(w.Parts.Offset), parts))
		if !slices.Equal(m.read(stored, size), alone) {
			m.t.Errorf("%v: the gradient of the input differs between one launch and two", s)
		}
		return nil
	})
}

// weights runs the forms of the gradient of the weights, with an image a slice and with all images in one, more than a block copies at once.
func (m *maker) weights(s lower.MMAShape) {
	for n := range 9 {
		m.images = images
		slices := s.Slices(images)
		if n%2 == 1 {
			m.images, slices = 6+n&2, 1 // 6 or 8
		}
		l := s.Weights(m.images)
		l.Grid.X = slices
		size := slices * s.Window * s.Window * s.In * s.Out
		w := lower.ConvWeights{X: m.activation(s, n/3), Dy: m.gradientTerm(n, s.ResultSide(), s.Out), Parts: absolute(cudatest.Alloc[float32](m.t, m.s, size))}
		m.sized(&w, s, slices)
		m.launch(l, lower.ConvWeightsParameters{Weights: w})
		written(m.t, "weights", cudatest.Download[float32](m.t, m.s, driver.Ptr(w.Parts.Offset), size))
	}
}
