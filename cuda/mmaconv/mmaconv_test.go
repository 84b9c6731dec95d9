//go:build gpu

package mmaconv

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// source is one that a kernel evaluates: what the device gets and its values.
type source struct {
	name string
	lower.Source
	value func(n, y, x, c int) float64
}

func relu(v float64) float64 { return max(v, 0) }

func join(name string, first, second term) source {
	return source{name, lower.Source{First: first.Term, Second: second.Term, ReLU: 1}, func(n, y, x, c int) float64 {
		return relu(first.value(n, y, x, c) + second.value(n, y, x, c))
	}}
}

func alone(name string, t term) source { return source{name, lower.Source{First: t.Term}, t.value} }

// activations are all inputs that the shape's forward kernel takes.
func (b *bench) activations(s lower.MMAShape, n int) []source {
	x := b.random(n, s.Side, s.In, 1)
	if s.In == 3 {
		stored := newTensor(n, s.Side, 4)
		stored.each(func(n, y, xx, c, i int) {
			if stored.v[i] = math.NaN(); c < 3 { // the fourth channel must not count
				stored.v[i] = x.at(n, y, xx, c)
			}
		})
		return []source{alone("image", term{b.tensorTerm(stored).Term, x.at})}
	}
	all := []source{alone("tensor", b.tensorTerm(x)), alone("norm", b.normTerm(lower.TermNorm, x)), alone("norm relu", b.normTerm(lower.TermNormReLU, x))}
	if s.Window == 1 {
		return all
	}
	all = append(all, join("join", b.normTerm(lower.TermNorm, x), b.tensorTerm(b.random(n, s.Side, s.In, 1))))
	if s.In > 16 {
		before := b.random(n, 2*s.Side, s.In/2, 1)
		all = append(all,
			join("join norm", b.normTerm(lower.TermNorm, x), b.normTerm(lower.TermNorm, b.random(n, s.Side, s.In, 1))),
			join("join pool", b.normTerm(lower.TermNorm, x), b.halvedTerm(lower.TermPool, before, s.In)),
			join("join subsample", b.normTerm(lower.TermNorm, x), b.halvedTerm(lower.TermSubsample, before, s.In)))
	}
	return all
}

// joins reports whether the kernel also stores the source's values.
func (s source) joins(shape lower.MMAShape) bool {
	return shape.Window == 3 && shape.In > 3 && s.First.Kind != lower.TermTensor
}

// weights are [taps, In, Out], of the size that keeps the result's deviation near 1.
func (b *bench) weights(s lower.MMAShape) []float64 {
	return b.random(1, 1, s.Window*s.Window*s.In*s.Out, 1/math.Sqrt(float64(s.Window*s.Window*s.In))).v
}

// epilogue is what happens to a result [n, side, side, c].
type epilogue struct {
	name   string
	out    lower.Source
	second func(n, y, x, c int) float64
	mask   func(n, y, x, c int) float64 // nil: no mask
}

func (b *bench) epilogues(n, side, c int) []epilogue {
	mask := b.random(n, side, c, 1)
	norm := b.normTerm(lower.TermNormReLU, mask)
	add := b.tensorTerm(b.random(n, side, c, 1))
	positive := b.tensorTerm(evaluate(n, side, c, func(n, y, x, c int) float64 { return relu(mask.at(n, y, x, c)) }))
	all := []epilogue{
		{name: "bare", second: none.value},
		{"mask by norm", lower.Source{Mask: norm.Term}, none.value, norm.value},
		{"add and mask", lower.Source{Second: add.Term, Mask: positive.Term}, add.value, positive.value},
	}
	if side > 8 {
		pool, sample := b.halvedGradient(lower.TermPoolGradient, b.random(n, side/2, 2*c, 1), c), b.halvedGradient(lower.TermSubsampleGradient, b.random(n, side/2, 2*c, 1), c)
		projected := b.halvedGradient(lower.TermSubsampleGradient, b.random(n, side/2, c, 1), c)
		all = append(all,
			epilogue{"add pooled gradient and mask", lower.Source{Second: pool.Term, Mask: positive.Term}, pool.value, positive.value},
			epilogue{"add subsampled gradient", lower.Source{Second: sample.Term}, sample.value, nil},
			epilogue{"add projected gradient and mask", lower.Source{Second: projected.Term, Mask: positive.Term}, projected.value, positive.value})
	}
	return all
}

// apply is the epilogue in float64, on sums of products.
func (e epilogue) apply(r result, like tensor) {
	like.each(func(n, y, x, c, i int) {
		r.size[i] += math.Abs(r.sum[i]) // which is rounded before the addition
		r.sum[i] += e.second(n, y, x, c)
		if e.mask != nil && e.mask(n, y, x, c) <= 0 {
			r.sum[i], r.size[i] = 0, 0
		}
	})
}

// statistics asks for sums over a result and gives what compares them.
func (b *bench) statistics(kind lower.StatisticsKind, like tensor) (lower.Statistics, func(what string, y tensor)) {
	if kind == lower.StatisticsNone {
		return lower.Statistics{}, func(string, tensor) {}
	}
	raw, norm := b.random(like.n, like.side, like.c, 1), b.batchNorm(like.c)
	q := lower.Statistics{
		Kind: kind, Eps: eps, Factor: 1.0 / 64, Raw: b.upload(raw.v), Moments: norm.Moments, Ticket: uploaded(b, []uint32{0}),
		Parts: alloc[float32](b, lower.PartsSize(like.n, like.c)), Result: alloc[float32](b, 2*like.c),
	}
	return q, func(what string, y tensor) {
		got := download[float32](b, q.Result, 2*like.c)
		if ticket := download[uint32](b, q.Ticket, 1)[0]; ticket != 0 {
			b.t.Errorf("%s: the ticket is left at %d", what, ticket)
		}
		want, size := sumsOf(kind, y, raw, norm, float64(q.Factor))
		for i := range want {
			// fp32 sums of a few thousand values
			if tolerance := 2e-6 * size[i]; !(math.Abs(float64(got[i])-want[i]) <= tolerance) {
				b.t.Errorf("%s: statistic %d is %g, want %g within %g", what, i, got[i], want[i], tolerance)
			}
		}
	}
}

// sumsOf are a result's statistics in float64, and the size of what was added for each.
func sumsOf(kind lower.StatisticsKind, y, raw tensor, norm batchNorm, factor float64) (want, size []float64) {
	want, size = make([]float64, 2*y.c), make([]float64, 2*y.c)
	m := float64(y.n * y.side * y.side)
	add := func(i int, v, scale float64) { want[i] += v * scale; size[i] += math.Abs(v) * scale }
	if kind == lower.StatisticsSums {
		y.each(func(_, _, _, c, i int) {
			add(c, y.v[i], factor)
			add(y.c+c, y.v[i]*norm.hat(raw.v[i], c), factor)
		})
		return want, size
	}
	y.each(func(_, _, _, c, i int) { add(c, y.v[i], 1/m) })
	y.each(func(_, _, _, c, i int) { d := y.v[i] - want[c]; add(y.c+c, d*d, 1/m) })
	return want, size
}

func TestForwardAgainstFloat64(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		t.Run(s.String(), func(t *testing.T) {
			for i, n := range []int{1, 3} {
				b := newBench(t, uint64(number*2+i))
				w := b.weights(s)
				dw := b.upload(w)
				like := newTensor(n, s.ResultSide(), s.Out)
				for _, in := range b.activations(s, n) {
					x := evaluate(n, s.Side, s.In, in.value)
					want := convolve(len(like.v), func(add func(int, float64)) {
						products(s, n, func(i, o, k int) { add(o, x.v[i]*w[k]) })
					})
					q, compare := b.statistics(lower.StatisticsMoments, like)
					dy, joined := alloc[uint16](b, len(like.v)), lower.Ref{}
					if in.joins(s) {
						joined = alloc[uint16](b, len(x.v))
					}
					check(t, b.forward(s, n, lower.Convolution{In: in.Source, Statistics: q, Weights: dw, Stored: dy}, joined))
					what := fmt.Sprintf("%s, %d images", in.name, n)
					y := b.download(dy, like)
					near(t, what, y.v, want.sum, want.size)
					compare(what, y)
					if !joined.IsNull() {
						near(t, what+", joined", b.download(joined, x).v, x.v, make([]float64, len(x.v)))
					}
				}
			}
		})
	}
}

// gradients are all that stand for the gradient of a result.
func (b *bench) gradients(n, side, c int) []source {
	return []source{alone("tensor", b.tensorTerm(b.random(n, side, c, 1))), alone("norm gradient", b.normGradient(b.random(n, side, c, 1)))}
}

func TestBackwardAgainstFloat64(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		if s.In == 3 {
			continue
		}
		t.Run(s.String(), func(t *testing.T) {
			const n = 3
			b := newBench(t, uint64(100+number))
			w := b.weights(s)
			dw := b.upload(w)
			like, full := newTensor(n, s.GradientSide(), s.In), newTensor(n, s.Side, s.In)
			step := s.Side / s.GradientSide()
			for _, in := range b.gradients(n, s.ResultSide(), s.Out) {
				dy := evaluate(n, s.ResultSide(), s.Out, in.value)
				all := convolve(len(full.v), func(add func(int, float64)) {
					products(s, n, func(i, o, k int) { add(i, dy.v[o]*w[k]) })
				})
				for _, e := range b.epilogues(n, like.side, s.In) {
					want := result{make([]float64, len(like.v)), make([]float64, len(like.v))}
					like.each(func(n, y, x, c, i int) {
						from := full.index(n, y*step, x*step, c)
						want.sum[i], want.size[i] = all.sum[from], all.size[from]
					})
					e.apply(want, like)
					q, compare := b.statistics(lower.StatisticsSums, like)
					dx := alloc[uint16](b, len(like.v))
					check(t, b.backward(s, n, lower.Convolution{In: in.Source, Out: e.out, Statistics: q, Weights: dw, Stored: dx}))
					got := b.download(dx, like)
					near(t, in.name+", "+e.name, got.v, want.sum, want.size)
					compare(in.name+", "+e.name, got)
				}
			}
		})
	}
}

// weightsAgainstFloat64 compares the gradient of the weights, from n images.
func (b *bench) weightsAgainstFloat64(s lower.MMAShape, n int, x, dy source) {
	size, slices := s.Window*s.Window*s.In*s.Out, s.Slices(n)
	xv, dyv := evaluate(n, s.Side, s.In, x.value), evaluate(n, s.ResultSide(), s.Out, dy.value)
	want := convolve(size, func(add func(int, float64)) {
		products(s, n, func(i, o, k int) { add(k, xv.v[i]*dyv.v[o]) })
	})
	parts := alloc[float32](b, slices*size)
	check(b.t, b.weightGradient(s, n, lower.ConvWeights{X: x.Source, Dy: dy.Source, Parts: parts}))
	got := make([]float64, size)
	for i, v := range download[float32](b, parts, slices*size) {
		got[i%size] += float64(v)
	}
	near(b.t, fmt.Sprintf("%s, %s, %d images in %d slices", x.name, dy.name, n, slices), got, want.sum, want.size)
}

func TestWeightsAgainstFloat64(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		t.Run(s.String(), func(t *testing.T) {
			const n = 2
			b := newBench(t, uint64(200+number))
			for _, x := range b.activations(s, n) {
				for _, dy := range b.gradients(n, s.ResultSide(), s.Out) {
					if x.Second.Kind == lower.TermNone {
						b.weightsAgainstFloat64(s, n, x, dy)
					}
				}
			}
		})
	}
}

// Slices of more images than shared memory holds at once, and not all of the same number.
func TestWeightsOfManyImages(t *testing.T) {
	for number, test := range []struct {
		shape  lower.MMAShape
		images int // of a slice, at least
	}{{lower.MMAShape{In: 64, Out: 64, Side: 8, Stride: 1, Window: 3}, 5}, {lower.MMAShape{In: 32, Out: 64, Side: 16, Stride: 2, Window: 3}, 2}, {lower.MMAShape{In: 32, Out: 64, Side: 16, Stride: 2, Window: 1}, 1}} {
		b, s := newBench(t, uint64(400+number)), test.shape
		n := test.images*s.Slices(1<<20) + 3
		b.weightsAgainstFloat64(s, n, b.activations(s, n)[2], b.gradients(n, s.ResultSide(), s.Out)[1])
	}
}

// One launch for both gradients gives what two give: the input's to the bit, the weights' in fewer slices to the rounding of fp32.
func TestBothGradientsAreThoseOfTheirOwnKernels(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		if s.In == 3 {
			continue
		}
		t.Run(s.String(), func(t *testing.T) {
			const n, few = 5, 2
			b := newBench(t, uint64(700+number))
			like, size := newTensor(n, s.GradientSide(), s.In), s.Window*s.Window*s.In*s.Out
			x, dy := b.activations(s, n)[2], b.gradients(n, s.ResultSide(), s.Out)[1]
			q, _ := b.statistics(lower.StatisticsSums, like)
			w := b.upload(b.weights(s))
			run := func(parts int, launch func(a lower.Convolution, w lower.ConvWeights) error) (dx []uint16, sums, dw []float32) {
				stored, p := alloc[uint16](b, len(like.v)), alloc[float32](b, parts*size)
				a := lower.Convolution{In: dy.Source, Out: b.epilogues(n, like.side, s.In)[0].out, Statistics: q, Weights: w, Stored: stored}
				check(t, launch(a, lower.ConvWeights{X: x.Source, Dy: dy.Source, Parts: p}))
				dw = make([]float32, size)
				for i, v := range download[float32](b, p, parts*size) {
					dw[i%size] += v
				}
				return download[uint16](b, stored, len(like.v)), download[float32](b, q.Result, 2*s.In), dw
			}
			dx, sums, dw := run(s.Slices(n), func(a lower.Convolution, w lower.ConvWeights) error {
				check(t, b.backward(s, n, a))
				return b.weightGradient(s, n, w)
			})
			dx2, sums2, dw2 := run(few, func(a lower.Convolution, w lower.ConvWeights) error { return b.bothGradients(s, n, few, a, w) })
			if !slices.Equal(dx, dx2) || !slices.Equal(sums, sums2) {
				t.Error("the gradient of the input or its sums differ")
			}
			for i := range dw {
				if d := math.Abs(float64(dw[i] - dw2[i])); !(d <= 1e-3) { // of values near 50, sums of up to 5120 products near 1
					t.Errorf("the gradient of weight %d is %g alone and %g together", i, dw[i], dw2[i])
				}
			}
		})
	}
}

// A second launch, and one replayed from a graph, give the same bits.
func TestBitsAreTheSameEveryTime(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		t.Run(s.String(), func(t *testing.T) {
			const n = 5
			b := newBench(t, uint64(300+number))
			like := newTensor(n, s.ResultSide(), s.Out)
			in := b.activations(s, n)[0]
			q, _ := b.statistics(lower.StatisticsMoments, like)
			size := s.Slices(n) * s.Window * s.Window * s.In * s.Out
			dy, parts := alloc[uint16](b, len(like.v)), alloc[float32](b, size)
			a := lower.Convolution{In: in.Source, Statistics: q, Weights: b.upload(b.weights(s)), Stored: dy}
			run := func() error {
				if err := b.forward(s, n, a, lower.Ref{}); err != nil {
					return err
				}
				return b.weightGradient(s, n, lower.ConvWeights{X: in.Source, Dy: lower.Source{First: lower.Term{Kind: lower.TermTensor, X: dy}}, Parts: parts})
			}
			graph, err := b.s.Capture(run)
			check(t, err)
			defer graph.Close()
			var first []byte
			for _, again := range []func() error{run, run, func() error { return graph.Launch(b.s) }} {
				check(t, again())
				bits := slices.Concat(driver.Bytes(download[uint16](b, dy, len(like.v))),
					driver.Bytes(download[float32](b, q.Result, 2*s.Out)), driver.Bytes(download[float32](b, parts, size)))
				if first == nil {
					first = bits
				}
				if !slices.Equal(bits, first) {
					t.Error("the bits differ")
				}
			}
		})
	}
}
