package cpu

import (
	"fmt"
	"testing"
)

// The convolutions of a ResNet-32, with the number of times that each occurs.
var resnet32 = []struct {
	name  string
	g     geometry
	c, o  int
	times int
}{
	{"stem", geometry{32, 32, 4, 32, 32, 16, 3, 1, 1}, 3, 16, 1},
	{"32x32x16", geometry{32, 32, 16, 32, 32, 16, 3, 1, 1}, 16, 16, 10},
	{"16to32", geometry{32, 32, 16, 16, 16, 32, 3, 2, 1}, 16, 32, 1},
	{"16x16x32", geometry{16, 16, 32, 16, 16, 32, 3, 1, 1}, 32, 32, 9},
	{"32to64", geometry{16, 16, 32, 8, 8, 64, 3, 2, 1}, 32, 64, 1},
	{"8x8x64", geometry{8, 8, 64, 8, 8, 64, 3, 1, 1}, 64, 64, 9},
}

// plainView is a zero tensor with a border for benchmarks.
func plainView(h, w, c, pad int) view {
	pitch := (w + 2*pad) * c
	v := view{data: make([]float32, (h+2*pad)*pitch), off: pad * (pitch + c), pitch: pitch}
	r := random(1)
	for y := range h {
		for x := range w * c {
			v.data[v.off+y*pitch+x] = r.next()
		}
	}
	return v
}

// perSecond reports GFLOP/s: two operations for each product of the direct convolution, whatever the kernel does.
func perSecond(b *testing.B, g geometry, c, o int) {
	flops := 2 * float64(g.OH*g.OW*o*c*g.K*g.K)
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func benchSets(b *testing.B, f func(b *testing.B, k kernels)) {
	for _, k := range kernelSets() {
		b.Run(k.name, func(b *testing.B) { f(b, k) })
	}
}

func BenchmarkConv(b *testing.B) {
	benchSets(b, func(b *testing.B, k kernels) {
		for _, r := range resnet32 {
			b.Run(r.name, func(b *testing.B) {
				op := k.newConv(r.g, r.c, r.o)
				op.pack(make([]float32, r.o*r.c*r.g.K*r.g.K))
				src, dst := plainView(r.g.H, r.g.W, r.g.C, r.g.Pad), plainView(r.g.OH, r.g.OW, r.g.O, 0)
				work := make([]float32, op.workspace())
				for b.Loop() {
					op.run(dst, src, work, nil)
				}
				perSecond(b, r.g, r.c, r.o)
			})
		}
	})
}

func BenchmarkConvGradInput(b *testing.B) {
	benchSets(b, func(b *testing.B, k kernels) {
		for _, r := range resnet32[1:] {
			b.Run(r.name, func(b *testing.B) {
				op := k.newConvGradInput(r.g, r.c, r.o)
				op.pack(make([]float32, r.o*r.c*r.g.K*r.g.K))
				src := plainView(r.g.OH, r.g.OW, r.g.O, gradInputPad(r.g.K, r.g.Stride, r.g.Pad))
				dst := plainView(r.g.H, r.g.W, r.g.C, 0)
				work := make([]float32, op.workspace())
				for b.Loop() {
					op.run(dst, src, work, nil)
				}
				perSecond(b, r.g, r.c, r.o)
			})
		}
	})
}

func BenchmarkConvGradWeights(b *testing.B) {
	benchSets(b, func(b *testing.B, k kernels) {
		for _, r := range resnet32 {
			b.Run(r.name, func(b *testing.B) {
				op := k.newConvGradWeights(r.g, r.c, r.o)
				x, dy := plainView(r.g.H, r.g.W, r.g.C, r.g.Pad), plainView(r.g.OH, r.g.OW, r.g.O, 1)
				sum, work := make([]float32, op.size()), make([]float32, op.workspace())
				for b.Loop() {
					op.run(sum, x, dy, work, turn{last: true}, nil)
				}
				perSecond(b, r.g, r.c, r.o)
			})
		}
	})
}

// BenchmarkPasses measures the kernels that go over an image once, in floats a second.
func BenchmarkPasses(b *testing.B) {
	benchSets(b, func(b *testing.B, k kernels) {
		for _, s := range []struct{ side, c int }{{32, 16}, {16, 32}, {8, 64}} {
			x, y, z := plainView(s.side, s.side, s.c, 1), plainView(s.side, s.side, s.c, 0), plainView(s.side, s.side, s.c, 1)
			coefficients := make([]float32, s.c)
			first, second := make([]float64, s.c), make([]float64, s.c)
			n := s.side * s.c
			for _, pass := range []struct {
				name string
				run  func()
			}{
				{"normalize", func() { k.normalize(z, x, nil, s.side, s.side, coefficients, coefficients, true) }},
				{"normalizeAdd", func() { k.normalize(z, x, &y, s.side, s.side, coefficients, coefficients, true) }},
				{"combine", func() { k.combine(z, x, y, s.side, s.side, coefficients, coefficients, coefficients) }},
				{"mask", func() { k.mask(z, x, y, s.side, n) }},
				{"add", func() { k.add(z, x, y, s.side, n) }},
				{"copyView", func() { k.copyView(z, x, s.side, n) }},
				{"moments", func() { k.moments(x, s.side, s.side, s.c, first, second) }},
				{"gradSums", func() { k.gradSums(x, y, s.side, s.side, coefficients, coefficients, first, second) }},
			} {
				b.Run(fmt.Sprintf("%s/%dx%dx%d", pass.name, s.side, s.side, s.c), func(b *testing.B) {
					for b.Loop() {
						pass.run()
					}
					b.ReportMetric(float64(n*s.side)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gfloat/s")
				})
			}
		}
	})
}
