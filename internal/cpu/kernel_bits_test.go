package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// passes are the results of every pass over an image with coefficients or sums by channel.
func passes(k kernels, x, y, z, plus image3, p, q, r []float32, dst func() image3) (floats [][]float32, sums [][]float64) {
	one := func(run func(dst view)) {
		d := dst()
		run(d.view)
		floats = append(floats, d.interior())
	}
	for _, relu := range []bool{false, true} {
		one(func(d view) { k.normalize(d, x.view, nil, x.h, x.w, p, q, relu) })
		one(func(d view) { k.normalize(d, x.view, &plus.view, x.h, x.w, p, q, relu) })
	}
	one(func(d view) { k.combine(d, x.view, y.view, x.h, x.w, p, q, r) })
	pair := func(run func(s, t []float64)) {
		s, t := slices.Repeat([]float64{0.5}, x.c), slices.Repeat([]float64{-3}, x.c)
		run(s, t)
		sums = append(sums, s, t)
	}
	pair(func(s, t []float64) { k.moments(x.view, x.h, x.w, x.c, s, t) })
	pair(func(s, t []float64) { k.gradSums(x.view, y.view, x.h, x.w, p, q, s, t) })
	one(func(d view) {
		pair(func(s, t []float64) { k.reluGradSums(d, z.view, x.view, nil, y.view, x.h, x.w, p, q, s, t) })
	})
	one(func(d view) {
		pair(func(s, t []float64) { k.reluGradSums(d, z.view, x.view, &plus.view, y.view, x.h, x.w, p, q, s, t) })
	})
	return floats, sums
}

// A pass with AVX-512 has the bits of AVX2, and a fused pass those of the passes that it stands for, for odd sizes and numbers of channels
// that are no whole vectors, too.
func TestPassesHaveTheSameBits(t *testing.T) {
	sets := kernelSets()
	if len(sets) < 3 {
		t.Skip("no AVX-512 here")
	}
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 9).Draw(t, "h"), rapid.IntRange(1, 9).Draw(t, "w")
		c := rapid.SampledFrom([]int{4, 8, 16, 24, 32, 48, 64}).Draw(t, "c")
		image := func(name string) image3 {
			return randomImage(t, name, h, w, c, c, rapid.IntRange(0, 1).Draw(t, name+" border"))
		}
		x, y, z, plus := image("x"), image("y"), image("z"), image("plus")
		p, q, r := randomFloats(t, "p", c), randomFloats(t, "q", c), randomFloats(t, "r", c)
		pad, far := rapid.IntRange(0, 1).Draw(t, "border of dst"), rapid.Bool().Draw(t, "dst is far")
		var made []image3
		dst := func() image3 {
			d := newImage(t, "dst", h, w, c, pad)
			d.far = far
			made = append(made, d)
			return d
		}
		floats, sums := passes(sets[0], x, y, z, plus, p, q, r, dst)
		wantFloats, wantSums := passes(sets[1], x, y, z, plus, p, q, r, dst)
		for i := range floats {
			if !slices.EqualFunc(floats[i], wantFloats[i], sameBits) {
				t.Fatalf("pass %d: %s and %s have other bits", i, sets[0].name, sets[1].name)
			}
		}
		for i := range sums {
			if !slices.Equal(sums[i], wantSums[i]) {
				t.Fatalf("sum %d: %s and %s have other bits", i, sets[0].name, sets[1].name)
			}
		}
		for i, d := range made {
			d.checkFrame(t, fmt.Sprint("dst ", i), pad)
		}
	})
}

// The gradient of a ReLU and its sums, against their definition.
func TestReLUGradSumsAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		const h, w = 3, 5
		c := rapid.SampledFrom([]int{4, 8, 16, 32}).Draw(t, "c")
		g, out, plus, x := randomImage(t, "g", h, w, c, c, 0), randomImage(t, "out", h, w, c, c, 0), randomImage(t, "plus", h, w, c, c, 0), randomImage(t, "x", h, w, c, c, 0)
		mean, inv := randomFloats(t, "mean", c), randomFloats(t, "inv", c)
		dst := newImage(t, "dst", h, w, c, 0)
		sumG, sumGX := make([]float64, c), make([]float64, c)
		k.reluGradSums(dst.view, out.view, g.view, &plus.view, x.view, h, w, mean, inv, sumG, sumGX)
		for ch := range c {
			var wantG, wantGX float64
			for i := range h * w {
				v := float32(0)
				if *out.at(i/w, i%w, ch) > 0 {
					v = *g.at(i/w, i%w, ch) + *plus.at(i/w, i%w, ch)
				}
				if got := *dst.at(i/w, i%w, ch); got != v {
					t.Fatalf("pixel %d, channel %d: %v, want %v", i, ch, got, v)
				}
				wantG += float64(v)
				wantGX += float64(v) * (float64(*x.at(i/w, i%w, ch)) - float64(mean[ch])) * float64(inv[ch])
			}
			if math.Abs(sumG[ch]-wantG) > 1e-5 || math.Abs(sumGX[ch]-wantGX) > 1e-5 {
				t.Fatalf("channel %d: sums %v and %v, want %v and %v", ch, sumG[ch], sumGX[ch], wantG, wantGX)
			}
		}
	})
}
