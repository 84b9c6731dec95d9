package cpu

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// exactMoments are mean and sum of squared deviations by channel of pixels [n][c].
func exactMoments(pixels []float32, c int) (mean, m2 []float64) {
	mean, m2 = make([]float64, c), make([]float64, c)
	n := float64(len(pixels) / c)
	for i, v := range pixels {
		mean[i%c] += float64(v) / n
	}
	for i, v := range pixels {
		d := float64(v) - mean[i%c]
		m2[i%c] += d * d
	}
	return mean, m2
}

func closeTo(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

// The channels lie far from zero compared with their spread, which a sum of plain squares in float32 would not survive.
func TestMomentsOfShiftedChannels(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		x := p.image(t, "x")
		offset := float32(rapid.SampledFrom([]int{0, 10, -1000}).Draw(t, "offset"))
		for y := range p.h {
			for i := range p.w * p.c {
				*x.at(y, 0, i) += offset
			}
		}
		mean, m2 := make([]float64, p.c), make([]float64, p.c)
		k.moments(x.view, p.h, p.w, p.c, mean, m2)
		wantMean, wantM2 := exactMoments(x.interior(), p.c)
		n := float64(p.h * p.w)
		for i := range mean {
			if !closeTo(mean[i], wantMean[i], 1e-6) || !closeTo(m2[i], wantM2[i], 1e-6*n) {
				t.Fatalf("channel %d: mean %v, squares %v; want %v, %v", i, mean[i], m2[i], wantMean[i], wantM2[i])
			}
		}
	})
}

func TestMomentsOfConstantChannelAreExact(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		x := p.image(t, "x")
		v := rapid.Float32Range(-1e6, 1e6).Draw(t, "value")
		for y := range p.h {
			for i := range p.w * p.c {
				*x.at(y, 0, i) = v
			}
		}
		mean, m2 := make([]float64, p.c), make([]float64, p.c)
		k.moments(x.view, p.h, p.w, p.c, mean, m2)
		for i := range mean {
			if !closeTo(mean[i], float64(v), 1e-6*math.Abs(float64(v))) || m2[i] > 1e-9*float64(v)*float64(v) {
				t.Fatalf("channel %d of a constant %v: mean %v, squares %v", i, v, mean[i], m2[i])
			}
		}
	})
}

func TestMergeMomentsEqualsMomentsOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const c = 3
		parts := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 6).Draw(t, "pixels in each part")
		var all []float32
		mean, m2 := make([]float64, c), make([]float64, c)
		n := 0
		for _, m := range parts {
			pixels := randomFloats(t, "part", m*c)
			otherMean, otherM2 := exactMoments(pixels, c)
			mergeMoments(mean, m2, n, otherMean, otherM2, m)
			all, n = append(all, pixels...), n+m
		}
		if n == 0 {
			return
		}
		wantMean, wantM2 := exactMoments(all, c)
		for i := range c {
			if !closeTo(mean[i], wantMean[i], 1e-12) || !closeTo(m2[i], wantM2[i], 1e-12) {
				t.Fatalf("channel %d: mean %v, squares %v; want %v, %v", i, mean[i], m2[i], wantMean[i], wantM2[i])
			}
		}
	})
}

func TestGradSumsAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		p := drawPass(t)
		g, x := p.image(t, "g"), p.image(t, "x")
		mean, inv := randomFloats(t, "mean", p.c), randomFloats(t, "invstd", p.c)
		sumG, sumGX := make([]float64, p.c), make([]float64, p.c)
		wantG, wantGX := make([]float64, p.c), make([]float64, p.c)
		for i := range p.c {
			sumG[i], sumGX[i] = 1, 2
			wantG[i], wantGX[i] = 1, 2
		}
		xs := x.interior()
		for i, v := range g.interior() {
			wantG[i%p.c] += float64(v)
			wantGX[i%p.c] += float64(v) * (float64(xs[i]) - float64(mean[i%p.c])) * float64(inv[i%p.c])
		}
		k.gradSums(g.view, x.view, p.h, p.w, mean, inv, sumG, sumGX)
		for i := range p.c {
			if !closeTo(sumG[i], wantG[i], 1e-5) || !closeTo(sumGX[i], wantGX[i], 2e-5) {
				t.Fatalf("channel %d: %v, %v; want %v, %v", i, sumG[i], sumGX[i], wantG[i], wantGX[i])
			}
		}
	})
}

func TestManyChannelsHaveMoments(t *testing.T) {
	const c = 2 * maxChannels
	x := plainView(3, 3, c, 0)
	mean, m2 := make([]float64, c), make([]float64, c)
	set(t, "").moments(x, 3, 3, c, mean, m2)
	wantMean, wantM2 := exactMoments(x.data, c)
	for i := range mean {
		if !closeTo(mean[i], wantMean[i], 1e-6) || !closeTo(m2[i], wantM2[i], 1e-5) {
			t.Fatalf("channel %d: mean %v, squares %v; want %v, %v", i, mean[i], m2[i], wantMean[i], wantM2[i])
		}
	}
}
