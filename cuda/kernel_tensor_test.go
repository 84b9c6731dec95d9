//go:build gpu

package cuda

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// tensorLayers are convolutions for the tensor-core kernels of any size: those of the networks for large images, what no tile divides, taps that no
// pixel has, and random ones of every window and stride with 1 to 9 images and any multiple of 8 channels.
func tensorLayers() []layer {
	all := []layer{
		{2, 37, 23, 3, 64, 7, 2, 0}, {9, 9, 13, 4, 24, 3, 1, 0}, {1, 5, 4, 1, 8, 5, 3, 1}, // images
		{3, 9, 11, 64, 64, 3, 1, 0}, {2, 9, 7, 72, 136, 1, 2, 0}, {2, 8, 8, 136, 72, 3, 2, 0}, {2, 17, 19, 16, 8, 1, 1, 0}, {1, 2, 1, 8, 8, 3, 2, 0}, {2, 9, 8, 8, 16, 1, 3, 0},
		{2, 12, 11, 16, 24, 7, 2, 1}, {1, 16, 16, 8, 128, 3, 1, 1},
	}
	r := rand.New(rand.NewPCG(21, 2))
	for range 10 {
		window := 1 + 2*r.IntN(4)
		most := []int{20, 8, 4, 3}[window/2] // eights of channels
		all = append(all, layer{1 + r.IntN(9), window + r.IntN(8), window + r.IntN(8), 8 * (1 + r.IntN(most)), 8 * (1 + r.IntN(most)), window, 1 + r.IntN(3), min(r.IntN(3), window/2)})
	}
	return all
}

// tensorBench is a bench in fp16 for a layer, with its input, the gradient of its result, its weights and their sizes.
func tensorBench(t *testing.T, l layer, seed uint64) (b *bench, x, dy *image, weights []float32, g lower.General) {
	b = newBench(t, seed)
	b.half = true
	h, w := l.result()
	x, dy, weights = b.input(l), b.image(l.n, h, w, l.out), b.normal(l.window*l.window*l.in*l.out)
	g = l.general(x.c)
	g.X, g.Y, g.Weights = x.at, dy.at, b.numbers(weights)
	return b, x, dy, weights, g
}

// eachTensorKernel runs a test for each layer and each kernel of a pass that takes it, which come by the rows of their tiles.
func eachTensorKernel(t *testing.T, pass, stem string, test func(t *testing.T, l layer, kernel string, rows int)) {
	for _, l := range tensorLayers() {
		kernels := map[string]int{"general_mma_" + pass + "_64": 64, "general_mma_" + pass + "_128": 128}
		if l.in <= 4 {
			kernels = map[string]int{stem: 128}
		}
		for kernel, rows := range kernels {
			if kernel != "" {
				t.Run(fmt.Sprintf("%v, %s", l, kernel), func(t *testing.T) { test(t, l, kernel, rows) })
			}
		}
	}
}

// twice runs a kernel twice, for a result of its own each time, and wants the same bits of both.
func twice[T float32 | uint16](b *bench, kernel string, grid driver.Dim, g *lower.General, size int, room func(int) lower.Ref) {
	b.t.Helper()
	var results [2][]T
	for i := range results {
		g.Result = room(size)
		b.run("general_mma", kernel, grid, 128, 0, *g)
		results[i] = downloaded[T](b, g.Result, size)
	}
	if !slices.Equal(results[0], results[1]) {
		b.t.Errorf("%s gives other bits the second time", kernel)
	}
}

func TestTensorConvolution(t *testing.T) {
	eachTensorKernel(t, "conv", "general_mma_stem", func(t *testing.T, l layer, kernel string, rows int) {
		b, x, _, weights, g := tensorBench(t, l, 15)
		want := l.convolved(x, weights)
		h, w := l.result()
		twice[uint16](b, kernel, driver.Dim{X: lower.CeilDiv(l.n*h*w, rows), Y: lower.CeilDiv(l.out, 64), Z: 1}, &g, len(want), b.activation)
		b.compareStored("y", b.stored(g.Result, len(want)), want)
	})
}

func TestTensorGradientOfTheInput(t *testing.T) {
	eachTensorKernel(t, "gradient", "", func(t *testing.T, l layer, kernel string, rows int) {
		b, _, dy, weights, g := tensorBench(t, l, 16)
		want := l.gradientOfInput(dy, weights)
		grid := driver.Dim{X: lower.CeilDiv(l.n*lower.CeilDiv(l.h, l.stride)*lower.CeilDiv(l.w, l.stride), rows), Y: lower.CeilDiv(l.in, 64), Z: l.stride * l.stride}
		twice[uint16](b, kernel, grid, &g, len(want), b.activation)
		b.compareStored("dx", b.stored(g.Result, len(want)), want)
	})
}

// The gradient of the weights, in slices that are added here: one an image, and fewer. A tensor core may cut sums off, each time towards 0.
func TestTensorGradientOfTheWeights(t *testing.T) {
	eachTensorKernel(t, "weights", "general_mma_stem_weights", func(t *testing.T, l layer, kernel string, rows int) {
		for _, count := range []int{l.n, (l.n + 1) / 2} {
			b, x, dy, _, g := tensorBench(t, l, 17)
			want := l.gradientOfWeights(x, dy)
			g.Slices = int32(count)
			grid := driver.Dim{X: count, Y: lower.CeilDiv(l.window*l.window*x.c, rows), Z: lower.CeilDiv(l.out, 64)}
			twice[float32](b, kernel, grid, &g, count*len(want), b.room)
			got := make([]float32, len(want))
			for i, part := range b.read(g.Result, count*len(want)) {
				got[i%len(want)] += part
			}
			compareDouble(t, "dw", got, want, 64)
		}
	})
}
