//go:build gpu

package random_test

import (
	"fmt"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

func TestMain(m *testing.M) { cudatest.Main(m) }

const (
	images        = 3     // of two blocks the one that arrives last is seen by more than the count
	height, width = 6, 14 // of the smaller side of a convolution; even, as a term may be of half or twice the size, and no multiple of 4, by which loops are unrolled
)

// slots are terms that a convolution may have, in pairs that go through all kinds.
var slots = []struct{ first, second, mask lower.TermKind }{
	{lower.TermTensor, lower.TermNone, lower.TermNone}, {lower.TermNorm, lower.TermTensor, lower.TermNormReLU}, {lower.TermNormReLU, lower.TermNorm, lower.TermTensor},
	{lower.TermNormGradient, lower.TermNormReLU, lower.TermNorm}, {lower.TermPool, lower.TermSubsample, lower.TermPoolGradient}, {lower.TermSubsample, lower.TermPool, lower.TermNone},
	{lower.TermPoolGradient, lower.TermSubsampleGradient, lower.TermPool}, {lower.TermSubsampleGradient, lower.TermPoolGradient, lower.TermSubsample},
	{lower.TermAverageGradient, lower.TermAverageGradient, lower.TermSubsampleGradient}, {lower.TermTensor, lower.TermTensor, lower.TermAverageGradient},
	{lower.TermSubsampleGradient, lower.TermAverageGradient, lower.TermNone}, // the first is 0 at most pixels, where the second shows to its last bit
}

func TestConvolution(t *testing.T) {
	for n, in := range slots {
		out := slots[(n+3)%len(slots)]
		for _, outputs := range []int{16, 32} {
			window, stride, dilation, backward := 3-2*(n%2), 1+n/2%2, 1, n%3 == 1
			if backward {
				stride, dilation = 1, 1+n/2%2
			}
			t.Run(fmt.Sprintf("%d %d", n, outputs), func(t *testing.T) {
				var results, statistics [2][]float32
				for half := range 2 {
					m := newMaker(t, uint64(n), 5, half == 1)
					if n == 8 || n == 9 { // moments and sums of so many parts that they are read 16 at a time
						m.images = 45
					}
					s, images := m.s, m.images
					high, wide := height*stride, width*stride
					h, w := height*dilation, width*dilation
					const inputs = 24
					c := outputs + 8
					a := lower.Convolution{
						In: m.source(in.first, in.second, in.mask, n%2 == 1, high, wide, inputs), Out: m.source(lower.TermNone, out.second, out.mask, n%4 == 2, h, w, c),
						Weights: m.floats(window * window * inputs * c), Stored: m.room(images * h * w * c), Images: int32(images), Inputs: inputs,
						Window: int32(window), Pad: int32(window / 2), Stride: int32(stride), Dilation: int32(dilation),
					}
					if backward {
						a.Backward = 1
					}
					rows := 8
					if outputs == 16 {
						rows = 16
					}
					tiles := lower.CeilDiv(w, 8) * lower.CeilDiv(h, rows)
					a.Statistics = lower.Statistics{
						Raw: m.stored(images * h * w * c), Moments: m.positive(2 * c), Parts: absolute(cudatest.Alloc[float32](t, s, tiles*images*(2*c+1))),
						Ticket: absolute(cudatest.Upload(t, s, []uint32{0})), Result: absolute(cudatest.Alloc[float32](t, s, 2*c)), Eps: 1e-3, Factor: m.factor(), Kind: lower.StatisticsKind(1 + n%2),
					}
					joined := lower.Ref{}
					if n%3 == 0 {
						joined = m.room(images * high * wide * inputs)
					}
					m.launch(lower.Launch{Kernel: fmt.Sprintf("conv%d_f%d", outputs, 32-16*half), Module: "conv", Grid: lower.Dim{X: tiles, Y: images, Z: lower.CeilDiv(c, outputs)}, Threads: 128},
						lower.ConvolutionParameters{Convolution: a, Joined: joined})
					results[half] = m.read(a.Stored, images*h*w*c)
					statistics[half] = cudatest.Download[float32](t, s, driver.Ptr(a.Statistics.Result.Offset), 2*c)
				}
				near(t, results[1], results[0])
				near(t, statistics[1], statistics[0])
			})
		}
	}
}

func TestWeights(t *testing.T) {
	for n, terms := range slots {
		for _, kernel := range []struct{ window, stride int }{{3, 1}, {3, 2}, {1, 1}, {1, 2}} {
			t.Run(fmt.Sprintf("%d %d%d", n, kernel.window, kernel.stride), func(t *testing.T) {
				var results [2][]float32
				for half := range 2 {
					m := newMaker(t, uint64(n), 6, half == 1)
					s := m.s
					const inputs, outputs, slices = 20, 24, 2
					dy := slots[(n+5)%len(slots)]
					a := lower.ConvWeights{
						X: m.source(terms.first, terms.second, terms.mask, n%2 == 0, height*kernel.stride, width*kernel.stride, inputs), Dy: m.source(dy.first, dy.second, dy.mask, n%2 == 1, height, width, outputs),
						Parts:  absolute(cudatest.Alloc[float32](t, s, slices*kernel.window*kernel.window*inputs*outputs)),
						Images: images, Slices: slices, Inputs: inputs, Pad: int32(kernel.window / 2), Stride: int32(kernel.stride),
					}
					m.launch(lower.Launch{
						Kernel: fmt.Sprintf("conv_weights%d%d_f%d", kernel.window, kernel.stride, 32-16*half), Module: "conv_weights",
						Grid: lower.Dim{X: slices, Y: (inputs + 15) / 16, Z: (outputs + 15) / 16}, Threads: 128,
					}, lower.ConvWeightsParameters{Weights: a})
					results[half] = cudatest.Download[float32](t, s, driver.Ptr(a.Parts.Offset), slices*kernel.window*kernel.window*inputs*outputs)
				}
				near(t, results[1], results[0])
			})
		}
	}
}
