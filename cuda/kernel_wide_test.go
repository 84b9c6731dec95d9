//go:build gpu

package cuda

import (
	"slices"
	"testing"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// Every kind of source of more channels than a block takes, through the kernel that stores it and the one that sums over it. The last slice of
// channels is a full one, a small one, and one of which a block has threads without channels.
func TestWideSourcesAndTheirStatistics(t *testing.T) {
	eachSource(t, (*bench).wideSourceAndStatistics, [4]int{2, 6, 10, 256}, [4]int{3, 4, 2, 132}, [4]int{1, 8, 8, 228})
}

func (b *bench) wideSourceAndStatistics(s lower.Source, f formula, raw *image, k *norm) {
	n, c, cuts := raw.n, raw.c, lower.CeilDiv(raw.c, 128)
	want := f.evaluate(n, raw.h, raw.w, c)
	out := b.activation(len(want))
	b.run("wide", "wide_pointwise"+b.suffix(), driver.Dim{X: 3, Y: cuts, Z: 1}, 256, 0, s, int32(n), out)
	stored := b.stored(out, len(want))
	b.compareStored("stored", stored, want)
	blocks := 1 + n*raw.h*raw.w/50
	for _, kind := range []lower.StatisticsKind{lower.StatisticsMoments, lower.StatisticsSums} {
		for _, keep := range []bool{true, false} {
			q := lower.Statistics{
				Raw: raw.at, Moments: k.momentsAt, Parts: b.room(cuts * lower.PartsSize(blocks, 128)), Ticket: b.zeros(cuts), Result: b.room(2 * c), Eps: eps, Factor: 0.5, Kind: kind,
			}
			again := lower.Ref{}
			if keep {
				again = b.activation(len(want))
			}
			b.run("wide", "wide_statistics"+b.suffix(), driver.Dim{X: blocks, Y: cuts, Z: 1}, 256, 0, s, q, int32(n), again)
			if keep && !slices.Equal(b.stored(again, len(want)), stored) {
				b.t.Errorf("wide_pointwise and wide_statistics of kind %d store different values", kind)
			}
			compareStatistics(b.t, b.read(q.Result, 2*c), widened(stored), kind, raw, k, 0.5)
			if tickets := downloaded[uint32](b, q.Ticket, cuts); slices.Max(tickets) != 0 {
				b.t.Errorf("the tickets end as %v", tickets)
			}
		}
	}
}

// The average of a source that is stored on the way, in both types of activations.
func TestWideAverage(t *testing.T) {
	for _, half := range []bool{false, true} {
		for _, d := range [][4]int{{3, 4, 5, 256}, {2, 3, 3, 140}} {
			n, h, w, c := d[0], d[1], d[2], d[3]
			b := newBench(t, 19)
			b.half = half
			x, k := b.image(n, h, w, c), b.norm(c)
			source := dimensions(h, w, c)
			source.First = k.term(x, lower.TermNormReLU)
			all := formula(func(n, y, xx, ch int) float64 { return max(0, k.apply(x.v[x.index(n, y, xx, ch)], ch)) }).evaluate(n, h, w, c)
			out, features := b.activation(len(x.v)), b.room(n*c)
			b.run("wide", "wide_average"+b.suffix(), driver.Dim{X: n, Y: lower.CeilDiv(c, 128), Z: 1}, 256, 0, source, out, features)
			stored, want := b.stored(out, len(all)), make([]float64, n*c)
			b.compareStored("stored", stored, all)
			for i, v := range stored {
				want[i/(h*w*c)*c+i%c] += float64(v) / float64(h*w)
			}
			compareDouble(t, "features", b.read(features, n*c), want, 8)
		}
	}
}

// A dense layer of many features, with and without a bias.
func TestWideDense(t *testing.T) {
	for _, d := range [][3]int{{3, 256, 10}, {2, 140, 37}} {
		n, c, classes := d[0], d[1], d[2]
		b := newBench(t, 19)
		f, weights, bias := b.normal(n*c), b.normal(classes*c), b.normal(classes)
		featuresAt, weightsAt := b.floats(f), b.floats(weights)
		for _, biasAt := range []lower.Ref{b.floats(bias), {}} {
			y, want := b.room(n*classes), make([]float64, n*classes)
			b.run("wide", "wide_dense", driver.D1(n), 256, 0, featuresAt, weightsAt, biasAt, y, int32(c), int32(classes))
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
