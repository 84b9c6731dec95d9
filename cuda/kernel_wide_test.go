//go:build gpu

package cuda

import (
	"fmt"
	"slices"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// Every kind of source of more channels than a block takes, through the kernel that stores it and the one that sums over it. The last slice of
// channels is a full one, a small one, and one of which a block has threads without channels.
func TestWideSourcesAndTheirStatistics(t *testing.T) {
	for _, d := range [][4]int{{2, 6, 10, 256}, {3, 4, 2, 132}, {1, 8, 8, 228}} {
		b := newBench(t, uint64(d[3]))
		raw, k := b.image(d[0], d[1], d[2], d[3]), b.norm(d[3])
		for name, s := range b.sources(d[0], d[1], d[2], d[3]) {
			t.Run(fmt.Sprintf("%v %s", d, name), func(t *testing.T) {
				b := &bench{t, b.stream, b.r, false}
				b.wideSourceAndStatistics(s.argument, s.formula, raw, k)
			})
		}
	}
}

func (b *bench) wideSourceAndStatistics(s lower.Source, f formula, raw *image, k *norm) {
	n, c, cuts := raw.n, raw.c, upTo(raw.c, 128)
	want := f.evaluate(n, raw.h, raw.w, c)
	out := b.room(len(want))
	b.run("wide", "wide_pointwise", driver.Dim{X: 3, Y: cuts, Z: 1}, 256, 0, s, int32(n), out)
	stored := b.read(out, len(want))
	compareDouble(b.t, "stored", stored, want, 8)
	blocks := 1 + n*raw.h*raw.w/50
	for _, kind := range []lower.StatisticsKind{lower.StatisticsMoments, lower.StatisticsSums} {
		for _, keep := range []bool{true, false} {
			q := lower.Statistics{
				Raw: raw.at, Moments: k.momentsAt, Parts: b.room(cuts * lower.PartsSize(blocks, 128)), Ticket: b.zeros(cuts), Result: b.room(2 * c), Eps: eps, Factor: 0.5, Kind: kind,
			}
			again := lower.Ref{}
			if keep {
				again = b.room(len(want))
			}
			b.run("wide", "wide_statistics", driver.Dim{X: blocks, Y: cuts, Z: 1}, 256, 0, s, q, int32(n), again)
			if keep && !slices.Equal(b.read(again, len(want)), stored) {
				b.t.Errorf("wide_pointwise and wide_statistics of kind %d store different values", kind)
			}
			compareStatistics(b.t, b.read(q.Result, 2*c), widened(stored), kind, raw, k, 0.5)
			if tickets := downloaded[uint32](b, q.Ticket, cuts); slices.Max(tickets) != 0 {
				b.t.Errorf("the tickets end as %v", tickets)
			}
		}
	}
}

// The average of a source that is stored on the way, and the dense layer.
func TestWideClassifier(t *testing.T) {
	for _, d := range [][5]int{{3, 4, 5, 256, 10}, {2, 3, 3, 140, 37}} {
		n, h, w, c, classes := d[0], d[1], d[2], d[3], d[4]
		b := newBench(t, 19)
		x, k := b.image(n, h, w, c), b.norm(c)
		source := dimensions(h, w, c)
		source.First = k.term(x, lower.TermNormReLU)
		all := formula(func(n, y, xx, ch int) float64 { return max(0, k.apply(x.v[x.index(n, y, xx, ch)], ch)) }).evaluate(n, h, w, c)
		stored, features := b.room(len(x.v)), b.room(n*c)
		b.run("wide", "wide_average", driver.Dim{X: n, Y: upTo(c, 128), Z: 1}, 256, 0, source, stored, features)
		want := make([]float64, n*c)
		for i, v := range all {
			want[i/(h*w*c)*c+i%c] += v / float64(h*w)
		}
		compareDouble(t, "stored", b.read(stored, len(all)), all, 8)
		f := b.read(features, n*c)
		compareDouble(t, "features", f, want, 8)
		weights, bias := b.normal(classes*c), b.normal(classes)
		weightsAt := b.floats(weights)
		for _, biasAt := range []lower.Ref{b.floats(bias), {}} {
			y, want := b.room(n*classes), make([]float64, n*classes)
			b.run("wide", "wide_dense", driver.D1(n), 256, 0, features, weightsAt, biasAt, y, int32(c), int32(classes))
			for i := range want {
				if !biasAt.IsNull() {
					want[i] = float64(bias[i%classes])
				}
				for j := range c {
					want[i] += float64(f[i/classes*c+j]) * float64(weights[i%classes*c+j])
				}
			}
			compareDouble(t, "logits", b.read(y, n*classes), want, 8)
		}
	}
}
