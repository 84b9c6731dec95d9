//go:build gpu

package mmaconv

import (
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// counted is what the emulator counts while f launches.
func counted(t *testing.T, f func()) driver.Counters {
	t.Helper()
	before, ok := driver.ReadCounters()
	if !ok {
		t.Skip("a GPU does not count")
	}
	f()
	after, _ := driver.ReadCounters()
	return after.Sub(before)
}

// pass is what one launch of a shape has to move, bytes read and written, and how many times s.Products it multiplies.
type pass struct {
	name          string
	times         int
	read, written int
	run           func() error
}

// passes are those of a training step in the form that moves least: batch norms on load, sums in the epilogue. Tensors of 16 bits,
// parts of sums read by the block that arrives last, small things by the 32 bytes.
func (b *bench) passes(s lower.MMAShape, n int) []pass {
	x, y := newTensor(n, s.Side, s.In), newTensor(n, s.ResultSide(), s.Out)
	w := b.upload(b.weights(s))
	size := s.Window * s.Window * s.In * s.Out
	ins, outs := b.activations(s, n), b.gradients(n, y.side, s.Out)
	in, dy := ins[len(ins)-1], outs[1]
	for _, a := range ins {
		if a.First.Kind == lower.TermNormReLU {
			in = a
		}
	}
	stored := alloc[uint16](b, len(y.v))
	parts := alloc[float32](b, s.Slices(n)*size)
	xs, ys, moments := 2*len(x.v), 2*len(y.v), 2*4*s.Out
	channels := 4 * 4 * s.In // moments, gamma and beta
	switch {
	case s.In == 3:
		xs, channels = 2*n*s.Side*s.Side*4, 0
	case s.Window == 1:
		xs /= 4
	}
	q, _ := b.statistics(lower.StatisticsMoments, y)
	all := []pass{
		{"forward", 1, xs + channels + 2*size + n*moments + 32, ys + n*moments + moments + 32, func() error {
			return b.forward(s, n, lower.Convolution{In: in.Source, Statistics: q, Weights: w, Stored: stored}, lower.Ref{})
		}},
		{"weights", 1, xs + channels + 2*ys + 5*4*s.Out, 4 * s.Slices(n) * size, func() error {
			return b.weightGradient(s, n, lower.ConvWeights{X: in.Source, Dy: dy.Source, Parts: parts})
		}},
	}
	if s.In == 3 {
		return all
	}
	like := newTensor(n, s.GradientSide(), s.In)
	dx := alloc[uint16](b, len(like.v))
	e := b.epilogues(n, like.side, s.In)[1]
	sums, _ := b.statistics(lower.StatisticsSums, like)
	gs, small := 2*len(like.v), 2*4*s.In
	norms := 5 * 4 * s.Out // of the gradient
	back := lower.Convolution{In: dy.Source, Out: e.out, Statistics: sums, Weights: w, Stored: dx}
	read, written := 2*ys+norms+2*size+2*gs+channels+n*small+small+32, gs+n*small+small+32
	return append(all,
		pass{"backward", 1, read, written, func() error { return b.backward(s, n, back) }},
		pass{"both", 2, read + xs + channels, written + 4*s.Slices(n)*size, func() error {
			return b.bothGradients(s, n, s.Slices(n), back, lower.ConvWeights{X: in.Source, Dy: dy.Source, Parts: parts})
		}})
}

// No wasted products, and no byte moved twice.
func TestProductsAndBytesAreTheFewestPossible(t *testing.T) {
	for number, s := range lower.MMAShapes() {
		t.Run(s.String(), func(t *testing.T) {
			const n = 4
			b := newBench(t, uint64(500+number))
			for _, p := range b.passes(s, n) {
				c := counted(t, func() { check(t, p.run()) })
				if c.Launches != 1 || c.MMA != uint64(n*p.times*s.Products()) {
					t.Errorf("%s: %d launches, %d products, want %d", p.name, c.Launches, c.MMA, n*p.times*s.Products())
				}
				if c.Checked && (c.BytesRead != uint64(p.read) || c.BytesWritten != uint64(p.written)) {
					t.Errorf("%s: read %d and wrote %d bytes, want %d and %d", p.name, c.BytesRead, c.BytesWritten, p.read, p.written)
				}
				t.Logf("%-8s %5d products and %7d bytes an image", p.name, c.MMA/n, (c.BytesRead+c.BytesWritten)/n)
			}
		})
	}
}

// What a caller can get wrong is refused or found, and never a wrong result.
func TestMistakesOfCallersAreCaught(t *testing.T) {
	counters, emulated := driver.ReadCounters()
	if !emulated || !counters.Checked {
		t.Skip("only the checked build of the emulator sees this")
	}
	t.Setenv("EMULATOR_QUIET", "1")
	s := lower.MMAShape{In: 32, Out: 32, Side: 16, Stride: 1, Window: 3}
	const n = 2
	b := newBench(t, 600)
	like := newTensor(n, s.ResultSide(), s.Out)
	in := b.activations(s, n)
	q, _ := b.statistics(lower.StatisticsMoments, like)
	w := b.upload(b.weights(s))
	dy := alloc[uint16](b, len(like.v))
	right := lower.Convolution{In: in[2].Source, Statistics: q, Weights: w, Stored: dy}
	l := s.Forward(n)
	_, err := b.kernel(l)
	check(t, err)
	sized := right
	for _, a := range []*lower.Source{&sized.In, &sized.Out} {
		a.Height, a.Width, a.Channels = 16, 16, 32
	}
	forward := func(change func(a *lower.Convolution)) func() error {
		return func() error {
			a := right
			change(&a)
			return b.forward(s, n, a, lower.Ref{})
		}
	}
	for _, test := range []struct {
		name string
		do   func() error
		want string
	}{
		{"too little shared memory", func() error {
			l := l
			l.Shared -= 4096
			return b.run(l, lower.ConvolutionParameters{Convolution: sized})
		}, "of dynamic shared memory"},
		{"more images than memory", func() error {
			l := l
			l.Grid.X++
			return b.run(l, lower.ConvolutionParameters{Convolution: sized})
		}, "allocation"},
		{"weights that nothing wrote", forward(func(a *lower.Convolution) { a.Weights = alloc[uint16](b, 9*32*32) }), "which nothing has written"},
		{"fewer parts than images", forward(func(a *lower.Convolution) { a.Statistics.Parts = alloc[float32](b, lower.PartsSize(n-1, s.Out)) }), "allocation"},
		{"the result in the place of the input", forward(func(a *lower.Convolution) { a.In, a.Stored = in[0].Source, in[0].First.X.Add(2*16*16*32) }), ""},
		{"a mask of the input", forward(func(a *lower.Convolution) { a.In.Mask.Kind = lower.TermTensor }), "store it first"},
		{"ReLU of a tensor", forward(func(a *lower.Convolution) { a.In = in[0].Source; a.In.ReLU = 1 }), "store it first"},
		{"an average's gradient", forward(func(a *lower.Convolution) { a.In.First.Kind = 9 }), "store it first"},
		{"no such shape", func() error {
			return b.forward(lower.MMAShape{In: 128, Out: 128, Side: 4, Stride: 1, Window: 3}, n, right, lower.Ref{})
		}, "no kernel for"},
		{"the first layer's gradient", func() error {
			return b.backward(lower.MMAShape{In: 3, Out: 16, Side: 32, Stride: 1, Window: 3}, n, right)
		}, "no gradient of its input"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.do()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			t.Log(err)
		})
	}
}
