//go:build gpu

package cuda

import (
	"fmt"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// layer is a convolution of images [n, h, w, in] to `out` channels.
type layer struct {
	n, h, w, in, out, window, stride int

	less int // than half a window of padding
}

func (l layer) pad() int { return l.window/2 - l.less }
func (l layer) result() (h, w int) {
	return (l.h+2*l.pad()-l.window)/l.stride + 1, (l.w+2*l.pad()-l.window)/l.stride + 1
}
func (l layer) String() string {
	return fmt.Sprintf("%d images %dx%d, %d to %d, window %d, stride %d, padding %d", l.n, l.h, l.w, l.in, l.out, l.window, l.stride, l.pad())
}

// layers are the networks' stages, odd batches, images that no tile divides, and channels that no block divides.
var layers = []layer{
	{3, 32, 32, 3, 16, 3, 1, 0}, {1, 32, 32, 16, 16, 3, 1, 0}, {2, 32, 32, 16, 32, 3, 2, 0}, {3, 16, 16, 32, 32, 3, 1, 0}, {1, 16, 16, 32, 64, 3, 2, 0},
	{5, 8, 8, 64, 64, 3, 1, 0}, {2, 32, 32, 16, 32, 1, 2, 0}, {1, 16, 16, 32, 64, 1, 2, 0}, {2, 7, 11, 12, 20, 3, 1, 0}, {2, 10, 6, 4, 36, 3, 2, 0}, {1, 5, 9, 8, 8, 1, 1, 0},
}

// each visits the products of a convolution: x [n, h, w, in], w [K, K, in, out], y [n, h', w', out].
func (l layer) each(f func(n, y, x, i, tap, oy, ox, o int)) {
	h, w := l.result()
	for n := range l.n {
		for oy := range h {
			for ox := range w {
				for tap := range l.window * l.window {
					y, x := oy*l.stride-l.pad()+tap/l.window, ox*l.stride-l.pad()+tap%l.window
					if y < 0 || x < 0 || y >= l.h || x >= l.w {
						continue
					}
					for i := range l.in {
						for o := range l.out {
							f(n, y, x, i, tap, oy, ox, o)
						}
					}
				}
			}
		}
	}
}

// input makes x with channels stored in fours, the last ones zero.
func (b *bench) input(l layer) *image {
	x := &image{n: l.n, h: l.h, w: l.w, c: (l.in + 3) / 4 * 4}
	x.v = b.normal(l.n * l.h * l.w * x.c)
	for i := range x.v {
		if i%x.c >= l.in {
			x.v[i] = 0
		}
	}
	b.place(x)
	return x
}

func dimensions(h, w, c int) lower.Source {
	return lower.Source{Height: int32(h), Width: int32(w), Channels: int32(c)}
}

func convKernel(h, w, c, images int) (string, driver.Dim, int) {
	outputs, rows := 32, 8
	if c <= 16 {
		outputs, rows = 16, 16
	}
	tiles := lower.CeilDiv(w, 8) * lower.CeilDiv(h, rows)
	return fmt.Sprintf("conv%d_f32", outputs), driver.Dim{X: tiles, Y: images, Z: lower.CeilDiv(c, outputs)}, tiles * images
}

// The convolution of a batch norm with ReLU plus a shortcut that is stored on the way, with moments; a sum of up to 576 products in
// order wanders by about the root of their number, 16 roundings of the largest result.
func TestConvolution(t *testing.T) {
	for _, l := range layers {
		t.Run(l.String(), func(t *testing.T) {
			b := newBench(t, 5)
			h, w := l.result()
			x := b.input(l)
			weights := b.normal(l.window * l.window * l.in * l.out)
			a := lower.Convolution{
				In: dimensions(l.h, l.w, x.c), Out: dimensions(h, w, l.out), Weights: b.floats(weights), Stored: b.room(l.n * h * w * l.out),
				Images: int32(l.n), Inputs: int32(l.in), Window: int32(l.window), Pad: int32(l.pad()), Stride: int32(l.stride), Dilation: 1,
			}
			value := x.formula()
			a.In.First = lower.Term{X: x.at, Kind: lower.TermTensor}
			joined := lower.Ref{}
			if l.in%4 == 0 && l.window == 3 {
				k, plus := b.norm(x.c), b.image(l.n, l.h, l.w, x.c)
				a.In.First, a.In.Second, a.In.ReLU = k.term(x, lower.TermNorm), lower.Term{X: plus.at, Kind: lower.TermTensor}, 1
				value = func(n, y, xx, c int) float64 {
					return max(0, k.apply(x.v[x.index(n, y, xx, c)], c)+plus.formula()(n, y, xx, c))
				}
				joined = b.room(len(x.v))
			}
			kernel, grid, blocks := convKernel(h, w, l.out, l.n)
			a.Statistics = lower.Statistics{Parts: b.room(blocks * (2*l.out + 1)), Ticket: b.zeros(1), Result: b.room(2 * l.out), Kind: lower.StatisticsMoments}
			b.run("conv", kernel, grid, 128, 0, a, joined)
			want := make([]float64, l.n*h*w*l.out)
			l.each(func(n, y, x, i, tap, oy, ox, o int) {
				want[((n*h+oy)*w+ox)*l.out+o] += value(n, y, x, i) * float64(weights[(tap*l.in+i)*l.out+o])
			})
			got := b.read(a.Stored, len(want))
			compareDouble(t, "y", got, want, 16)
			if !joined.IsNull() {
				compareDouble(t, "joined", b.read(joined, len(x.v)), value.evaluate(l.n, l.h, l.w, x.c), 8)
			}
			compareStatistics(t, b.read(a.Statistics.Result, 2*l.out), widened(got), lower.StatisticsMoments, nil, nil, 0)
		})
	}
}

func widened(v []float32) []float64 {
	w := make([]float64, len(v))
	for i := range v {
		w[i] = float64(v[i])
	}
	return w
}

// The gradient of the input: dy of a batch norm's gradient, plus another gradient, kept where a norm is positive, with the sums of the
// batch norm before.
func TestConvolutionBackward(t *testing.T) {
	for _, l := range layers {
		if l.in == 3 {
			continue // the images have no gradient
		}
		t.Run(l.String(), func(t *testing.T) {
			b := newBench(t, 6)
			h, w := l.result()
			dy, plus, raw, k := b.image(l.n, h, w, l.out), b.image(l.n, l.h, l.w, l.in), b.image(l.n, l.h, l.w, l.in), b.norm(l.in)
			weights := b.normal(l.window * l.window * l.in * l.out)
			a := lower.Convolution{
				In: dimensions(h, w, l.out), Out: dimensions(l.h, l.w, l.in), Weights: b.floats(weights), Stored: b.room(len(plus.v)),
				Images: int32(l.n), Inputs: int32(l.out), Window: int32(l.window), Pad: int32(l.window - 1 - l.pad()), Stride: 1, Dilation: int32(l.stride), Backward: 1,
			}
			a.In.First = lower.Term{X: dy.at, Kind: lower.TermTensor}
			a.Out.Second, a.Out.Mask = lower.Term{X: plus.at, Kind: lower.TermTensor}, k.term(raw, lower.TermNormReLU)
			kernel, grid, blocks := convKernel(l.h, l.w, l.in, l.n)
			a.Statistics = lower.Statistics{
				Raw: raw.at, Moments: k.momentsAt, Parts: b.room(blocks * (2*l.in + 1)), Ticket: b.zeros(1), Result: b.room(2 * l.in), Eps: eps, Factor: 0.25, Kind: lower.StatisticsSums,
			}
			b.run("conv", kernel, grid, 128, 0, a, lower.Ref{})
			want := widened(plus.v)
			l.each(func(n, y, x, i, tap, oy, ox, o int) {
				want[plus.index(n, y, x, i)] += float64(dy.v[dy.index(n, oy, ox, o)]) * float64(weights[(tap*l.in+i)*l.out+o])
			})
			for i := range want {
				if k.apply(raw.v[i], i%l.in) <= 0 {
					want[i] = 0
				}
			}
			got := b.read(a.Stored, len(want))
			compareDouble(t, "dx", got, want, 24)
			compareStatistics(t, b.read(a.Statistics.Result, 2*l.in), widened(got), lower.StatisticsSums, raw, k, 0.25)
		})
	}
}

// The gradient of the weights, in slices that are added here.
func TestConvolutionWeights(t *testing.T) {
	for _, l := range layers {
		t.Run(l.String(), func(t *testing.T) {
			b := newBench(t, 7)
			h, w := l.result()
			x, dy := b.input(l), b.image(l.n, h, w, l.out)
			size, slices := l.window*l.window*l.in*l.out, (l.n+1)/2
			a := lower.ConvWeights{
				X: dimensions(l.h, l.w, x.c), Dy: dimensions(h, w, l.out), Parts: b.room(slices * size),
				Images: int32(l.n), Slices: int32(slices), Inputs: int32(l.in), Pad: int32(l.pad()), Stride: int32(l.stride),
			}
			a.X.First, a.Dy.First = lower.Term{X: x.at, Kind: lower.TermTensor}, lower.Term{X: dy.at, Kind: lower.TermTensor}
			b.run("conv_weights", fmt.Sprintf("conv_weights%d%d_f32", l.window, l.stride), driver.Dim{X: slices, Y: (l.in + 15) / 16, Z: (l.out + 15) / 16}, 128, 0, a)
			want, got := make([]float64, size), make([]float32, size)
			l.each(func(n, y, xx, i, tap, oy, ox, o int) {
				want[(tap*l.in+i)*l.out+o] += float64(x.v[x.index(n, y, xx, i)]) * float64(dy.v[dy.index(n, oy, ox, o)])
			})
			for i, part := range b.read(a.Parts, slices*size) {
				got[i%size] += part
			}
			compareDouble(t, "dw", got, want, 48)
		})
	}
}
