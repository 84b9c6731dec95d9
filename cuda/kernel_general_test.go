//go:build gpu

package cuda

import (
	"fmt"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// generalLayers are convolutions for the kernels of any size: windows from 1 to 7, strides from 1 to 3, images that no tile divides, channels that
// no tile divides, sums of more than one stretch, both of channels and of pixels.
var generalLayers = []layer{
	{2, 13, 9, 3, 20, 7, 2, 0}, {1, 5, 6, 132, 8, 3, 1, 0}, {2, 7, 9, 12, 68, 3, 2, 0}, {3, 6, 5, 72, 136, 1, 2, 0}, {2, 9, 8, 8, 12, 5, 3, 0}, {1, 2, 1, 4, 4, 3, 2, 0}, {2, 17, 19, 16, 4, 1, 1, 0},
}

// general are the sizes of a layer, whose images have `channels`.
func (l layer) general(channels int) lower.General {
	h, w := l.result()
	return lower.General{
		Images: int32(l.n), High: int32(l.h), Wide: int32(l.w), Channels: int32(channels), YHigh: int32(h), YWide: int32(w), Outputs: int32(l.out),
		Inputs: int32(l.in), Window: int32(l.window), Stride: int32(l.stride), Pad: int32(l.pad()),
	}
}

// convolved, gradientOfInput and gradientOfWeights are the passes of a layer in float64.
func (l layer) convolved(x *image, weights []float32) []float64 {
	h, w := l.result()
	y := make([]float64, l.n*h*w*l.out)
	l.each(func(n, yy, xx, i, tap, oy, ox, o int) {
		y[((n*h+oy)*w+ox)*l.out+o] += float64(x.v[x.index(n, yy, xx, i)]) * float64(weights[(tap*l.in+i)*l.out+o])
	})
	return y
}

func (l layer) gradientOfInput(dy *image, weights []float32) []float64 {
	dx := make([]float64, l.n*l.h*l.w*l.in)
	l.each(func(n, y, x, i, tap, oy, ox, o int) {
		dx[((n*l.h+y)*l.w+x)*l.in+i] += float64(dy.v[dy.index(n, oy, ox, o)]) * float64(weights[(tap*l.in+i)*l.out+o])
	})
	return dx
}

func (l layer) gradientOfWeights(x, dy *image) []float64 {
	dw := make([]float64, l.window*l.window*l.in*l.out)
	l.each(func(n, y, xx, i, tap, oy, ox, o int) {
		dw[(tap*l.in+i)*l.out+o] += float64(x.v[x.index(n, y, xx, i)]) * float64(dy.v[dy.index(n, oy, ox, o)])
	})
	return dw
}

func TestGeneralConvolution(t *testing.T) {
	for _, l := range generalLayers {
		t.Run(l.String(), func(t *testing.T) {
			b := newBench(t, 15)
			h, w := l.result()
			x, weights := b.input(l), b.normal(l.window*l.window*l.in*l.out)
			g := l.general(x.c)
			g.X, g.Weights, g.Result = x.at, b.floats(weights), b.room(l.n*h*w*l.out)
			b.run("general_conv", "general_conv", driver.Dim{X: lower.CeilDiv(l.n*h*w, 64), Y: lower.CeilDiv(l.out, 64), Z: 1}, 256, 0, g)
			want := l.convolved(x, weights)
			compareDouble(t, "y", b.read(g.Result, len(want)), want, 16)
		})
	}
}

func TestGeneralGradientOfTheInput(t *testing.T) {
	for _, l := range generalLayers {
		if l.in == 3 {
			continue // the images have no gradient
		}
		t.Run(l.String(), func(t *testing.T) {
			b := newBench(t, 16)
			h, w := l.result()
			dy, weights, size := b.image(l.n, h, w, l.out), b.normal(l.window*l.window*l.in*l.out), l.n*l.h*l.w*l.in
			g := l.general(l.in)
			g.Y, g.Weights, g.Result = dy.at, b.floats(weights), b.room(size)
			rows := l.n * lower.CeilDiv(l.h, l.stride) * lower.CeilDiv(l.w, l.stride)
			b.run("general_conv", "general_conv_gradient", driver.Dim{X: lower.CeilDiv(rows, 64), Y: lower.CeilDiv(l.in, 64), Z: l.stride * l.stride}, 256, 0, g)
			compareDouble(t, "dx", b.read(g.Result, size), l.gradientOfInput(dy, weights), 16)
		})
	}
}

// The gradient of the weights, in slices that are added here; the same bits twice.
func TestGeneralGradientOfTheWeights(t *testing.T) {
	for _, l := range generalLayers {
		t.Run(l.String(), func(t *testing.T) {
			b := newBench(t, 17)
			h, w := l.result()
			x, dy := b.input(l), b.image(l.n, h, w, l.out)
			size, slices := l.window*l.window*l.in*l.out, l.n
			g := l.general(x.c)
			g.X, g.Y, g.Slices = x.at, dy.at, int32(slices)
			var parts [2][]float32
			for i := range parts {
				g.Result = b.room(slices * size)
				b.run("general_weights", "general_conv_weights", driver.Dim{X: slices, Y: lower.CeilDiv(l.window*l.window*x.c, 64), Z: lower.CeilDiv(l.out, 64)}, 256, 0, g)
				parts[i] = b.read(g.Result, slices*size)
			}
			got := make([]float32, size)
			for i := range parts[0] {
				got[i%size] += parts[0][i]
				if parts[0][i] != parts[1][i] {
					t.Fatalf("number %d of the slices is %v, then %v", i, parts[0][i], parts[1][i])
				}
			}
			compareDouble(t, "dw", got, l.gradientOfWeights(x, dy), 16)
		})
	}
}

// pool is a maximum over windows of images [n, h, w, c].
type pool struct{ n, h, w, c, window, stride, pad int }

func (p pool) result() (h, w int) {
	return (p.h+2*p.pad-p.window)/p.stride + 1, (p.w+2*p.pad-p.window)/p.stride + 1
}

// largest is the index of the first largest pixel of a window.
func (p pool) largest(x *image, n, oy, ox, c int) int {
	at := -1
	for tap := range p.window * p.window {
		y, xx := oy*p.stride-p.pad+tap/p.window, ox*p.stride-p.pad+tap%p.window
		if y < 0 || xx < 0 || y >= p.h || xx >= p.w {
			continue
		}
		if i := x.index(n, y, xx, c); at < 0 || x.v[i] > x.v[at] {
			at = i
		}
	}
	return at
}

// The maximum and its gradient in both types of activations, of values that are often equal: the first largest pixel of a window gets the window's
// gradient.
func TestMaxPool(t *testing.T) {
	for _, p := range []pool{{2, 8, 8, 8, 3, 2, 1}, {1, 7, 10, 132, 3, 2, 1}, {2, 6, 5, 4, 2, 2, 0}, {1, 5, 7, 12, 3, 1, 1}, {1, 9, 9, 4, 2, 3, 1}} {
		for _, half := range []bool{false, true} {
			b := newBench(t, 18)
			b.half = half
			t.Run(fmt.Sprintf("%+v%s", p, b.suffix()), func(t *testing.T) {
				b.t = t
				b.maxPool(p)
			})
		}
	}
}

func (b *bench) maxPool(p pool) {
	h, w := p.result()
	x, dy := b.image(p.n, p.h, p.w, p.c), b.image(p.n, h, w, p.c)
	for i := range x.v {
		x.v[i] = float32(b.r.IntN(5)) - 2.5
	}
	b.place(x)
	want, gradient := make([]float64, len(dy.v)), make([]float64, len(x.v))
	for i := range want {
		at := p.largest(x, i/(h*w*p.c), i/(w*p.c)%h, i/p.c%w, i%p.c)
		want[i] = float64(x.v[at])
		gradient[at] += float64(dy.v[i])
	}
	m := lower.MaxPool{
		X: x.at, Dy: dy.at, Images: int32(p.n), High: int32(p.h), Wide: int32(p.w), Channels: int32(p.c), YHigh: int32(h), YWide: int32(w),
		Window: int32(p.window), Stride: int32(p.stride), Pad: int32(p.pad),
	}
	m.Result = b.activation(len(want))
	b.run("max_pool", "max_pool"+b.suffix(), driver.D1(3), 256, 0, m)
	compareDouble(b.t, "y", b.stored(m.Result, len(want)), want, 0)
	m.Result = b.activation(len(gradient))
	b.run("max_pool", "max_pool_gradient"+b.suffix(), driver.D1(3), 256, 0, m)
	b.compareStored("dx", b.stored(m.Result, len(gradient)), gradient)
}
