package cpu

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// pass is a drawn image size for kernels that go over an image once.
type pass struct{ h, w, c int }

func drawPass(t *rapid.T) pass {
	return pass{
		rapid.IntRange(1, 9).Draw(t, "h"), rapid.IntRange(1, 9).Draw(t, "w"),
		rapid.SampledFrom([]int{4, 8, 16, 24, 32, 40, 64}).Draw(t, "c"),
	}
}

func (p pass) image(t *rapid.T, name string) image3 {
	return randomImage(t, name, p.h, p.w, p.c, p.c, rapid.IntRange(0, 2).Draw(t, name+" border"))
}

func (p pass) result(t *rapid.T) (image3, int) {
	pad := rapid.IntRange(0, 2).Draw(t, "border of dst")
	return newImage(t, "dst", p.h, p.w, p.c, pad), pad
}

// checkElements compares every element with f(its index, its channel).
func (p pass) checkElements(t *rapid.T, dst image3, pad int, f func(i, c int) float64) {
	want := make([]float64, p.h*p.w*p.c)
	for i := range want {
		want[i] = f(i, i%p.c)
	}
	near(t, "dst", dst.interior(), want, ones(len(want)), 1e-6)
	dst.checkFrame(t, "dst", pad)
}

func TestNormalizeAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		x, plus := p.image(t, "x"), p.image(t, "add")
		dst, pad := p.result(t)
		scale, shift := randomFloats(t, "scale", p.c), randomFloats(t, "shift", p.c)
		relu, adding := rapid.Bool().Draw(t, "relu"), rapid.Bool().Draw(t, "adding")
		add := &plus.view
		if !adding {
			add = nil
		}
		k.normalize(dst.view, x.view, add, p.h, p.w, scale, shift, relu)
		xs, pluses := x.interior(), plus.interior()
		p.checkElements(t, dst, pad, func(i, c int) float64 {
			v := float64(xs[i])*float64(scale[c]) + float64(shift[c])
			if adding {
				v += float64(pluses[i])
			}
			if relu {
				v = max(v, 0)
			}
			return v
		})
	})
}

func TestNormalizeInPlace(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		x := p.image(t, "x")
		before := x.interior()
		scale, shift := randomFloats(t, "scale", p.c), randomFloats(t, "shift", p.c)
		k.normalize(x.view, x.view, nil, p.h, p.w, scale, shift, false)
		want := make([]float64, len(before))
		for i, v := range before {
			want[i] = float64(v)*float64(scale[i%p.c]) + float64(shift[i%p.c])
		}
		near(t, "x", x.interior(), want, ones(len(want)), 1e-6)
	})
}

func TestReLUKeepsNaN(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		x := p.image(t, "x")
		dst, _ := p.result(t)
		*x.at(p.h-1, p.w-1, p.c-1) = nan
		scale, shift := randomFloats(t, "scale", p.c), randomFloats(t, "shift", p.c)
		k.normalize(dst.view, x.view, nil, p.h, p.w, scale, shift, true)
		if got := *dst.at(p.h-1, p.w-1, p.c-1); !isNaN(got) {
			t.Fatalf("NaN became %v: a diverging run would not be noticed", got)
		}
	})
}

func TestCombineAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		g, x := p.image(t, "g"), p.image(t, "x")
		dst, pad := p.result(t)
		a, b, d := randomFloats(t, "a", p.c), randomFloats(t, "b", p.c), randomFloats(t, "d", p.c)
		k.combine(dst.view, g.view, x.view, p.h, p.w, a, b, d)
		gs, xs := g.interior(), x.interior()
		p.checkElements(t, dst, pad, func(i, c int) float64 {
			return float64(a[c])*float64(gs[i]) + float64(b[c])*float64(xs[i]) + float64(d[c])
		})
	})
}

func TestMaskAndAddAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		a, b := p.image(t, "a"), p.image(t, "b")
		*a.at(0, 0, 0), *a.at(p.h-1, p.w-1, p.c-1) = 0, float32(math.Copysign(0, -1))
		as, bs := a.interior(), b.interior()
		masked, pad := p.result(t)
		k.mask(masked.view, a.view, b.view, p.h, p.w*p.c)
		p.checkElements(t, masked, pad, func(i, _ int) float64 {
			if as[i] > 0 {
				return float64(bs[i])
			}
			return 0
		})
		sum, pad := p.result(t)
		k.add(sum.view, a.view, b.view, p.h, p.w*p.c)
		p.checkElements(t, sum, pad, func(i, _ int) float64 { return float64(as[i]) + float64(bs[i]) })
	})
}

func TestCopyAndBorder(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		src := p.image(t, "src")
		dst, pad := p.result(t)
		for i := range dst.view.data { // the border is yet to be written, gaps stay
			at := i - dst.off + pad*(dst.pitch+dst.c)
			if at%dst.pitch < (p.w+2*pad)*p.c {
				dst.view.data[i] = 5
			}
		}
		k.copyView(dst.view, src.view, p.h, p.w*p.c)
		k.fillBorder(dst.view, p.h, p.w, p.c, pad)
		from := src.interior()
		p.checkElements(t, dst, pad, func(i, _ int) float64 { return float64(from[i]) })
	})
}

func TestGlobalAverageAndGradient(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		x := p.image(t, "x")
		mean := newBlock(p.c)
		k.globalAverage(mean.body(), x.view, p.h, p.w, p.c)
		want := make([]float64, p.c)
		for i, v := range x.interior() {
			want[i%p.c] += float64(v) / float64(p.h*p.w)
		}
		near(t, "mean", mean.body(), want, ones(p.c), 1e-6)
		mean.check(t, "mean")
		g := randomFloats(t, "g", p.c)
		dst, pad := p.result(t)
		k.globalAverageGrad(dst.view, g, p.h, p.w, p.c)
		p.checkElements(t, dst, pad, func(_, c int) float64 { return float64(g[c]) / float64(p.h*p.w) })
	})
}

func TestSGDAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		n := rapid.IntRange(0, 70).Draw(t, "n")
		w, v := newBlock(n), newBlock(n)
		copy(w.body(), randomFloats(t, "w", n))
		copy(v.body(), randomFloats(t, "v", n))
		g := randomFloats(t, "g", n)
		wantW, wantV := make([]float64, n), make([]float64, n)
		for i := range n {
			wantV[i] = 0.75*float64(v.body()[i]) + float64(g[i]) + 0.125*float64(w.body()[i])
			wantW[i] = float64(w.body()[i]) - 0.5*wantV[i]
		}
		k.sgd(w.body(), v.body(), g, 0.5, 0.75, 0.125)
		near(t, "w", w.body(), wantW, ones(n), 1e-6)
		near(t, "v", v.body(), wantV, ones(n), 1e-6)
		w.check(t, "w")
		v.check(t, "v")
	})
}

// The update as PyTorch's SGD(nesterov=True) documents it: b = momentum b + g, g = g + momentum b, w = w - lr g.
func TestNesterovAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 70).Draw(t, "n")
		w, v, g := randomFloats(t, "w", n), randomFloats(t, "v", n), randomFloats(t, "g", n)
		wantW, wantV := make([]float64, n), make([]float64, n)
		for i := range n {
			d := float64(g[i]) + 0.125*float64(w[i])
			wantV[i] = 0.75*float64(v[i]) + d
			wantW[i] = float64(w[i]) - 0.5*(d+0.75*wantV[i])
		}
		kernelSets()[0].nesterov(w, v, g, 0.5, 0.75, 0.125)
		near(t, "w", w, wantW, ones(n), 1e-6)
		near(t, "v", v, wantV, ones(n), 1e-6)
	})
}

func TestSumChunksInOrder(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		n, chunks := rapid.IntRange(0, 70).Draw(t, "n"), rapid.IntRange(1, 9).Draw(t, "chunks")
		partial := randomFloats(t, "partial", n*chunks)
		dst := newBlock(n)
		k.sumChunks(dst.body(), partial, chunks)
		for i, got := range dst.body() {
			want := partial[i]
			for c := 1; c < chunks; c++ {
				want += partial[c*n+i]
			}
			if got != want {
				t.Fatalf("sum %d is %v, in order %v", i, got, want)
			}
		}
		dst.check(t, "dst")
	})
}
