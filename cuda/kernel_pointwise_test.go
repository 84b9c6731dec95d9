//go:build gpu

package cuda

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// sources are one of each kind of term, with their formulas, for images [n, h, w, c].
func (b *bench) sources(n, h, w, c int) map[string]struct {
	argument lower.Source
	formula  formula
} {
	type entry = struct {
		argument lower.Source
		formula  formula
	}
	x, g, big, few := b.image(n, h, w, c), b.image(n, h, w, c), b.image(n, 2*h, 2*w, c-8), b.image(n, h/2, w/2, c+8)
	k, rows := b.norm(c), b.normal(n*c)
	rowsAt := b.floats(rows)
	s := func(first, second, mask lower.Term, relu int32) lower.Source {
		return lower.Source{First: first, Second: second, Mask: mask, ReLU: relu, Height: int32(h), Width: int32(w), Channels: int32(c)}
	}
	plain := func(i *image) lower.Term { return lower.Term{X: i.at, Kind: lower.TermTensor} }
	normed := func(n, y, xx, c int) float64 { return k.apply(x.v[x.index(n, y, xx, c)], c) }
	gradient := k.term(x, lower.TermNormGradient)
	gradient.G, gradient.Count, gradient.Scale = g.at, 37, 4
	pool := func(stride float64) formula {
		return func(n, y, x, c int) float64 {
			if c -= 4; c < 0 || c >= big.c {
				return 0
			}
			at := func(i, j int) float64 { return float64(big.v[big.index(n, 2*y+i, 2*x+j, c)]) }
			if stride == 2 {
				return at(0, 0)
			}
			return (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4
		}
	}
	spread := func(pool bool) formula {
		return func(n, y, x, c int) float64 {
			v := float64(few.v[few.index(n, y/2, x/2, c+4)])
			if pool {
				return v / 4
			}
			return v * float64((1-y%2)*(1-x%2))
		}
	}
	return map[string]entry{
		"plain":              {s(plain(x), lower.Term{}, lower.Term{}, 0), x.formula()},
		"norm":               {s(k.term(x, lower.TermNorm), lower.Term{}, lower.Term{}, 0), normed},
		"norm relu":          {s(k.term(x, lower.TermNormReLU), lower.Term{}, lower.Term{}, 0), func(n, y, x, c int) float64 { return max(0, normed(n, y, x, c)) }},
		"norm + plain, relu": {s(k.term(x, lower.TermNorm), plain(g), lower.Term{}, 1), func(n, y, x, c int) float64 { return max(0, normed(n, y, x, c)+g.formula()(n, y, x, c)) }},
		"norm gradient": {s(gradient, lower.Term{}, lower.Term{}, 0), func(n, y, xx, c int) float64 {
			i := x.index(n, y, xx, c)
			inverse := 1 / math.Sqrt(float64(k.moments[len(k.gamma)+c])+eps)
			return float64(k.gamma[c]) * inverse * (float64(g.v[i]) - 4*float64(k.sums[c])/37 - k.xhat(x.v[i], c)*4*float64(k.sums[len(k.gamma)+c])/37)
		}},
		"plain where norm > 0": {s(plain(g), lower.Term{}, k.term(x, lower.TermNorm), 0), func(n, y, x, c int) float64 {
			if normed(n, y, x, c) > 0 {
				return g.formula()(n, y, x, c)
			}
			return 0
		}},
		"pool":               {s(lower.Term{X: big.at, Kind: lower.TermPool, Depth: int32(big.c), Before: 4}, lower.Term{}, lower.Term{}, 0), pool(1)},
		"subsample":          {s(lower.Term{X: big.at, Kind: lower.TermSubsample, Depth: int32(big.c), Before: 4}, lower.Term{}, lower.Term{}, 0), pool(2)},
		"pool gradient":      {s(lower.Term{X: few.at, Kind: lower.TermPoolGradient, Depth: int32(few.c), Before: 4}, lower.Term{}, lower.Term{}, 0), spread(true)},
		"subsample gradient": {s(plain(x), lower.Term{X: few.at, Kind: lower.TermSubsampleGradient, Depth: int32(few.c), Before: 4}, lower.Term{}, 0), func(n, y, xx, c int) float64 { return x.formula()(n, y, xx, c) + spread(false)(n, y, xx, c) }},
		"average gradient":   {s(lower.Term{X: rowsAt, Kind: lower.TermAverageGradient, Scale: 0.125}, lower.Term{}, lower.Term{}, 0), func(n, _, _, ch int) float64 { return float64(rows[n*c+ch]) / 8 }},
	}
}

// Every kind of source, in both types of activations, through the kernel that stores it and the one that sums over it: moments, and sums
// against xhat of another tensor. A value takes a handful of roundings. What is summed are the values as they are stored; a sum that cancels
// keeps the error of the sums on its way, of which sqrt(m) bounds the size.
func TestSourcesAndTheirStatistics(t *testing.T) {
	eachSource(t, (*bench).sourceAndStatistics, [4]int{3, 32, 32, 16}, [4]int{1, 6, 10, 32}, [4]int{5, 8, 8, 64}, [4]int{2, 4, 2, 12})
}

// eachSource runs a test of each kind of source of some sizes [n, h, w, c], in both types of activations, with a tensor of that size and its batch norm.
func eachSource(t *testing.T, test func(*bench, lower.Source, formula, *image, *norm), sizes ...[4]int) {
	for _, half := range []bool{false, true} {
		for _, d := range sizes {
			b := newBench(t, uint64(d[3]))
			b.half = half
			raw, k := b.image(d[0], d[1], d[2], d[3]), b.norm(d[3])
			for name, s := range b.sources(d[0], d[1], d[2], d[3]) {
				t.Run(fmt.Sprintf("%v %s%s", d, name, b.suffix()), func(t *testing.T) {
					test(&bench{t, b.stream, b.r, half}, s.argument, s.formula, raw, k)
				})
			}
		}
	}
}

// sourceAndStatistics stores a source of the size of raw, and sums over it.
func (b *bench) sourceAndStatistics(s lower.Source, f formula, raw *image, k *norm) {
	n, c := raw.n, raw.c
	want := f.evaluate(n, raw.h, raw.w, c)
	out := b.activation(len(want))
	b.run("pointwise", "pointwise"+b.suffix(), driver.D1(3), 256, 0, s, int32(n), out)
	stored := b.stored(out, len(want))
	b.compareStored("stored", stored, want)
	blocks := 1 + n*raw.h*raw.w/50
	for _, kind := range []lower.StatisticsKind{lower.StatisticsMoments, lower.StatisticsSums} {
		q := lower.Statistics{
			Raw: raw.at, Moments: k.momentsAt, Parts: b.room(lower.PartsSize(blocks, c)), Ticket: b.zeros(1), Result: b.room(2 * c), Eps: eps, Factor: 0.5, Kind: kind,
		}
		again := b.activation(len(want))
		b.run("statistics", "statistics"+b.suffix(), driver.D1(blocks), 256, 0, s, q, int32(n), again)
		if !slices.Equal(b.stored(again, len(want)), stored) {
			b.t.Errorf("pointwise and statistics of kind %d store different values", kind)
		}
		compareStatistics(b.t, b.read(q.Result, 2*c), widened(stored), kind, raw, k, 0.5)
	}
}

// compareStatistics checks moments or sums of values [N, H, W, C].
func compareStatistics(t *testing.T, got []float32, values []float64, kind lower.StatisticsKind, raw *image, k *norm, factor float64) {
	t.Helper()
	c := len(got) / 2
	m := float64(len(values) / c)
	want := make([]float64, 2*c)
	for i, v := range values {
		want[i%c] += v
		if kind == lower.StatisticsSums {
			want[c+i%c] += v * k.xhat(raw.v[i], i%c)
		}
	}
	if kind == lower.StatisticsSums {
		for i := range want {
			want[i] *= factor
		}
		compareDouble(t, "sums", got, want, 16*math.Sqrt(m)/math.Log2(m+2))
		return
	}
	for i := range c {
		want[i] /= m
	}
	for i, v := range values {
		want[c+i%c] += (v - want[i%c]) * (v - want[i%c]) / m
	}
	compareDouble(t, "moments", got, want, 32)
}
