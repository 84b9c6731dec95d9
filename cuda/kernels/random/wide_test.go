//go:build gpu

package random_test

import (
	"fmt"
	"slices"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// Every term in every place of a source of three slices of channels, through the kernels that store it, sum over it and average it: all store
// the same, and the sums of two launches are the same.
func TestWideSources(t *testing.T) {
	const height, width, c, cuts, classes = 6, 10, 264, 3, 11
	const size = images * height * width * c
	for n, terms := range slots {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			m := newMaker(t, uint64(n), 12, false)
			source := m.source(terms.first, terms.second, terms.mask, n%2 == 0, height, width, c)
			out := m.room(size)
			m.launch(lower.Launch{Kernel: "wide_pointwise", Module: "wide", Grid: lower.Dim{X: 2, Y: cuts, Z: 1}, Threads: 256},
				lower.PointwiseParameters{Source: source, Images: images, To: out})
			want := m.read(out, size)
			written(t, "wide_pointwise", want)
			raw, moments, factor := m.stored(size), m.positive(2*c), m.factor()
			for kind := lower.StatisticsMoments; kind <= lower.StatisticsSums; kind++ {
				// Blocks of different numbers of pixels, some of none; more than the last block reads at once, and fewer.
				blocks := []int{7, 37, 90}[(n+int(kind))%3]
				var sums [2][]float32
				for i := range sums {
					q := lower.Statistics{
						Raw: raw, Moments: moments, Parts: m.room(cuts * lower.PartsSize(blocks, 128)), Ticket: absolute(cudatest.Upload(t, m.s, make([]uint32, cuts))),
						Result: m.room(2 * c), Eps: 1e-3, Factor: factor, Kind: kind,
					}
					stored := m.room(size)
					m.launch(lower.Launch{Kernel: "wide_statistics", Module: "wide", Grid: lower.Dim{X: blocks, Y: cuts, Z: 1}, Threads: 256},
						lower.StatisticsParameters{Source: source, Statistics: q, Images: images, To: stored})
					if !slices.Equal(m.read(stored, size), want) {
						t.Errorf("wide_statistics of kind %d stores something else", kind)
					}
					sums[i] = m.read(q.Result, 2*c)
					written(t, "sums", sums[i])
				}
				if !slices.Equal(sums[0], sums[1]) {
					t.Errorf("sums of kind %d differ", kind)
				}
			}
			stored, features, y := m.room(size), m.room(images*c), m.room(images*classes)
			m.launch(lower.Launch{Kernel: "wide_average", Module: "wide", Grid: lower.Dim{X: images, Y: cuts, Z: 1}, Threads: 256},
				lower.WideAverageParameters{Source: source, To: stored, Features: features})
			if !slices.Equal(m.read(stored, size), want) {
				t.Error("wide_average stores something else")
			}
			m.launch(lower.Launch{Kernel: "wide_dense", Module: "wide", Grid: lower.Dim{X: images, Y: 1, Z: 1}, Threads: 256},
				lower.WideDenseParameters{X: features, W: m.floats(classes * c), B: m.floats(classes), Y: y, Features: c, Classes: classes})
			written(t, "logits", m.read(y, images*classes))
		})
	}
}

// Convolutions of any size and their gradients, and the maximum, on random values: no tile is full, sums have more than one stretch.
func TestGeneral(t *testing.T) {
	for n, k := range []struct{ channels, inputs, outputs, window, stride, pad int }{{4, 3, 36, 7, 2, 3}, {132, 132, 20, 3, 1, 1}, {20, 20, 132, 3, 1, 1}, {24, 24, 72, 3, 2, 1}, {68, 68, 132, 1, 2, 0}} {
		t.Run(fmt.Sprintf("%+v", k), func(t *testing.T) {
			const high, wide = 25, 29
			m := newMaker(t, uint64(n), 13, false)
			h, w := (high+2*k.pad-k.window)/k.stride+1, (wide+2*k.pad-k.window)/k.stride+1
			ySize, wSize := images*h*w*k.outputs, k.window*k.window*k.inputs*k.outputs
			g := lower.General{
				X: m.floats(images * high * wide * k.channels), Y: m.floats(ySize), Weights: m.floats(wSize), Images: images, High: high, Wide: wide, Channels: int32(k.channels),
				YHigh: int32(h), YWide: int32(w), Outputs: int32(k.outputs), Inputs: int32(k.inputs), Window: int32(k.window), Stride: int32(k.stride), Pad: int32(k.pad), Slices: 2,
			}
			run := func(module, kernel string, grid lower.Dim, size int) {
				var results [2][]float32
				for i := range results {
					g.Result = m.room(size)
					m.launch(lower.Launch{Kernel: kernel, Module: module, Grid: grid, Threads: 256}, lower.GeneralParameters{General: g})
					results[i] = m.read(g.Result, size)
				}
				written(t, kernel, results[0])
				if !slices.Equal(results[0], results[1]) {
					t.Errorf("%s gives other bits the second time", kernel)
				}
			}
			tiles := func(n int) int { return (n + 63) / 64 }
			run("general_conv", "general_conv", lower.Dim{X: tiles(images * h * w), Y: tiles(k.outputs), Z: 1}, ySize)
			run("general_weights", "general_conv_weights", lower.Dim{X: 2, Y: tiles(k.window * k.window * k.channels), Z: tiles(k.outputs)}, 2*wSize)
			if k.inputs == k.channels {
				run("general_conv", "general_conv_gradient", lower.Dim{X: tiles(images * high * wide), Y: tiles(k.inputs), Z: k.stride * k.stride}, images*high*wide*k.channels)
			}
		})
	}
}

func TestMaxPool(t *testing.T) {
	const high, wide, c = 10, 12, 20
	const h, w = (high+2-3)/2 + 1, (wide+2-3)/2 + 1
	m := newMaker(t, 1, 14, false)
	p := lower.MaxPool{
		X: m.upload(m.values(images * high * wide * c)), Dy: m.floats(images * h * w * c), Images: images, High: high, Wide: wide, Channels: c, YHigh: h, YWide: w, Window: 3, Stride: 2, Pad: 1,
	}
	for _, k := range []struct {
		kernel string
		size   int
	}{{"max_pool", images * h * w * c}, {"max_pool_gradient", images * high * wide * c}} {
		p.Result = m.room(k.size)
		m.launch(lower.Launch{Kernel: k.kernel, Module: "max_pool", Grid: lower.Dim{X: 2, Y: 1, Z: 1}, Threads: 256}, lower.MaxPoolParameters{MaxPool: p})
		written(t, k.kernel, cudatest.Download[float32](t, m.s, driver.Ptr(p.Result.Offset), k.size))
	}
}
