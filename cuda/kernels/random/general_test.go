//go:build gpu

package random_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"longtail/cuda/lower"
)

// anyLayer is a convolution for the kernels of any size, of images [images, anyHigh, anyWide, channels].
type anyLayer struct{ channels, inputs, outputs, window, stride, pad int }

const anyHigh, anyWide = 25, 29

// general are the sizes of a layer, and random tensors; slices of the gradient of the weights are two.
func (m *maker) general(k anyLayer) lower.General {
	h, w := (anyHigh+2*k.pad-k.window)/k.stride+1, (anyWide+2*k.pad-k.window)/k.stride+1
	return lower.General{
		X: m.spread(images * anyHigh * anyWide * k.channels), Y: m.spread(images * h * w * k.outputs), Weights: m.spread(k.window * k.window * k.inputs * k.outputs),
		Images: images, High: anyHigh, Wide: anyWide, Channels: int32(k.channels), YHigh: int32(h), YWide: int32(w), Outputs: int32(k.outputs),
		Inputs: int32(k.inputs), Window: int32(k.window), Stride: int32(k.stride), Pad: int32(k.pad), Slices: 2,
	}
}

// spread are n values of all bits of the storage type.
func (m *maker) spread(n int) lower.Ref {
	if m.half {
		return m.stored(n)
	}
	return m.floats(n)
}

// twice runs a kernel for two results, which must be the same; read reads one.
func (m *maker) twice(g lower.General, l lower.Launch, size int, room func(int) lower.Ref, read func(lower.Ref, int) []float32) {
	m.t.Helper()
	var results [2][]float32
	for i := range results {
		g.Result = room(size)
		m.launch(l, lower.GeneralParameters{General: g})
		results[i] = read(g.Result, size)
	}
	written(m.t, l.Kernel, results[0])
	if !slices.Equal(results[0], results[1]) {
		m.t.Errorf("%s gives other bits the second time", l.Kernel)
	}
}

// grids are those of the three passes with tiles of so many rows and 64 columns.
func grids(g lower.General, rows int) (forward, backward, weights lower.Dim) {
	s, outputs := int(g.Stride), lower.CeilDiv(int(g.Outputs), 64)
	return lower.Dim{X: lower.CeilDiv(images*int(g.YHigh*g.YWide), rows), Y: outputs, Z: 1},
		lower.Dim{X: lower.CeilDiv(images*lower.CeilDiv(anyHigh, s)*lower.CeilDiv(anyWide, s), rows), Y: lower.CeilDiv(int(g.Inputs), 64), Z: s * s},
		lower.Dim{X: int(g.Slices), Y: lower.CeilDiv(int(g.Window*g.Window*g.Channels), rows), Z: outputs}
}

// sizes are the numbers of the results of the three passes.
func sizes(g lower.General) (y, x, weights int) {
	return images * int(g.YHigh*g.YWide*g.Outputs), images * anyHigh * anyWide * int(g.Channels), int(g.Slices * g.Window * g.Window * g.Inputs * g.Outputs)
}

// Convolutions of any size and their gradients on random values: no tile is full, sums have more than one stretch.
func TestGeneral(t *testing.T) {
	for n, k := range []anyLayer{{4, 3, 36, 7, 2, 3}, {4, 3, 20, 3, 1, 1}, {132, 132, 20, 3, 1, 1}, {20, 20, 132, 3, 1, 1}, {24, 24, 72, 3, 2, 1}, {68, 68, 132, 1, 2, 0}} {
		t.Run(fmt.Sprintf("%+v", k), func(t *testing.T) {
			m := newMaker(t, uint64(n), 13, false)
			g := m.general(k)
			forward, backward, weights := grids(g, 64)
			ySize, xSize, wSize := sizes(g)
			m.twice(g, lower.Launch{Kernel: "general_conv", Module: "general_conv", Grid: forward, Threads: 256}, ySize, m.room, m.read)
			m.twice(g, lower.Launch{Kernel: "general_conv_weights", Module: "general_weights", Grid: weights, Threads: 256}, wSize, m.room, m.read)
			if k.inputs == k.channels {
				m.twice(g, lower.Launch{Kernel: "general_conv_gradient", Module: "general_conv", Grid: backward, Threads: 256}, xSize, m.room, m.read)
			}
		})
	}
}

// The same on tensor cores, in tiles of 64 and of 128 rows.
func TestTensorGeneral(t *testing.T) {
	for n, k := range []anyLayer{{4, 3, 40, 7, 2, 3}, {4, 4, 72, 3, 1, 0}, {136, 136, 24, 3, 1, 1}, {16, 16, 136, 3, 1, 1}, {24, 24, 72, 3, 2, 1}, {72, 72, 136, 1, 2, 0}, {8, 8, 16, 1, 3, 0}, {8, 8, 24, 2, 1, 1}} {
		for _, rows := range []int{64, 128} {
			t.Run(fmt.Sprintf("%+v %d", k, rows), func(t *testing.T) {
				m := newMaker(t, uint64(n), 15, true)
				g := m.general(k)
				forward, backward, weights := grids(g, rows)
				ySize, xSize, wSize := sizes(g)
				launch := func(kernel string, grid lower.Dim) lower.Launch {
					return lower.Launch{Kernel: "general_mma_" + kernel, Module: "general_mma", Grid: grid, Threads: 128}
				}
				if k.channels == 4 {
					if rows == 128 {
						m.twice(g, launch("stem", forward), ySize, m.room, m.read)
						m.twice(g, launch("stem_weights", weights), wSize, m.floatRoom, m.readFloats)
					}
					return
				}
				m.twice(g, launch(fmt.Sprintf("conv_%d", rows), forward), ySize, m.room, m.read)
				m.twice(g, launch(fmt.Sprintf("weights_%d", rows), weights), wSize, m.floatRoom, m.readFloats)
				m.twice(g, launch(fmt.Sprintf("gradient_%d", rows), backward), xSize, m.room, m.read)
			})
		}
	}
}

// Maxima of windows that lie over every border, of which many values are equal, and the gradients of windows that share their largest value, which
// have all bits of fp32.
func TestMaxPool(t *testing.T) {
	for n, k := range []struct{ high, wide, window, stride, pad int }{{11, 13, 3, 2, 1}, {10, 12, 3, 1, 1}, {9, 8, 5, 2, 4}, {7, 9, 2, 3, 1}, {8, 6, 4, 1, 2}, {5, 5, 1, 2, 0}} {
		for half := range 2 {
			t.Run(fmt.Sprintf("%+v f%d", k, 32-16*half), func(t *testing.T) {
				const c = 20
				h, w := (k.high+2*k.pad-k.window)/k.stride+1, (k.wide+2*k.pad-k.window)/k.stride+1
				m := newMaker(t, uint64(n), 14, half == 1)
				x := make([]float32, images*k.high*k.wide*c)
				for i := range x {
					if x[i] = float32(m.r.IntN(4)) - 3; x[i] == 0 && m.r.IntN(2) == 0 {
						x[i] = float32(math.Copysign(0, -1)) // equal to 0: which of the two is kept shows
					}
				}
				p := lower.MaxPool{
					X: m.store(x), Dy: m.gradients(images * h * w * c), Images: images, High: int32(k.high), Wide: int32(k.wide), Channels: c, YHigh: int32(h), YWide: int32(w),
					Window: int32(k.window), Stride: int32(k.stride), Pad: int32(k.pad),
				}
				for i, kernel := range []string{"max_pool", "max_pool_gradient"} {
					size := []int{images * h * w * c, len(x)}[i]
					p.Result = m.room(size)
					m.launch(lower.Launch{Kernel: kernel + m.suffix(), Module: "max_pool", Grid: lower.Dim{X: 2, Y: 1, Z: 1}, Threads: 256}, lower.MaxPoolParameters{MaxPool: p})
					written(t, kernel, m.read(p.Result, size))
				}
			})
		}
	}
}

// gradients are n values of the storage type whose sums are rounded: in fp32 no multiples of one number.
func (m *maker) gradients(n int) lower.Ref {
	if m.half {
		return m.stored(n)
	}
	v := m.uniform(n)
	for i := range v {
		v[i] *= m.factor()
	}
	return m.upload(v)
}
