//go:build gpu

package random_test

import (
	"fmt"
	"slices"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/lower"
)

// Every term in every place of a source of three slices of channels, in both types of activations, through the kernels that store it, sum over it
// and average it: all store the same, and the sums of two launches are the same, of which the second stores nothing.
func TestWideSources(t *testing.T) {
	for n, terms := range slots {
		for half := range 2 {
			t.Run(fmt.Sprintf("%d f%d", n, 32-16*half), func(t *testing.T) {
				m := newMaker(t, uint64(n), 12, half == 1)
				w := wideSource{m, m.source(terms.first, terms.second, terms.mask, n%2 == 0, wideHigh, wideWide, wideChannels), nil}
				w.store()
				w.statistics(n)
				w.average()
			})
		}
	}
}

const (
	wideHigh, wideWide, wideChannels, cuts = 10, 10, 264, 3
	wideSize                               = images * wideHigh * wideWide * wideChannels
)

// wideSource is a source and its values.
type wideSource struct {
	*maker
	source lower.Source
	want   []float32
}

func (w *wideSource) store() {
	out := w.room(wideSize)
	w.launch(lower.Launch{Kernel: "wide_pointwise" + w.suffix(), Module: "wide", Grid: lower.Dim{X: 2, Y: cuts, Z: 1}, Threads: 256},
		lower.PointwiseParameters{Source: w.source, Images: images, To: out})
	w.want = w.read(out, wideSize)
	written(w.t, "wide_pointwise", w.want)
}

func (w *wideSource) statistics(n int) {
	raw, moments, factor := w.stored(wideSize), w.positive(2*wideChannels), w.factor()
	for kind := lower.StatisticsMoments; kind <= lower.StatisticsSums; kind++ {
		// Blocks of different numbers of pixels, some of none, one of more than twice 16 a thread; more than the last block reads at once, and fewer.
		blocks := []int{1, 7, 37, 90}[(n+2*int(kind))%4]
		var sums [2][]float32
		for i := range sums {
			q := lower.Statistics{
				Raw: raw, Moments: moments, Parts: w.floatRoom(cuts * lower.PartsSize(blocks, 128)), Ticket: absolute(cudatest.Upload(w.t, w.s, make([]uint32, cuts))),
				Result: w.floatRoom(2 * wideChannels), Eps: 1e-3, Factor: factor, Kind: kind,
			}
			stored := lower.Ref{}
			if i == 0 {
				stored = w.room(wideSize)
			}
			w.launch(lower.Launch{Kernel: "wide_statistics" + w.suffix(), Module: "wide", Grid: lower.Dim{X: blocks, Y: cuts, Z: 1}, Threads: 256},
				lower.StatisticsParameters{Source: w.source, Statistics: q, Images: images, To: stored})
			if i == 0 && !slices.Equal(w.read(stored, wideSize), w.want) {
				w.t.Errorf("wide_statistics of kind %d stores something else", kind)
			}
			sums[i] = w.readFloats(q.Result, 2*wideChannels)
			written(w.t, "sums", sums[i])
		}
		if !slices.Equal(sums[0], sums[1]) {
			w.t.Errorf("sums of kind %d differ", kind)
		}
	}
}

func (w *wideSource) average() {
	const c, classes = wideChannels, 11
	stored, features, y := w.room(wideSize), w.floatRoom(images*c), w.floatRoom(images*classes)
	w.launch(lower.Launch{Kernel: "wide_average" + w.suffix(), Module: "wide", Grid: lower.Dim{X: images, Y: cuts, Z: 1}, Threads: 256},
		lower.WideAverageParameters{Source: w.source, To: stored, Features: features})
	if !slices.Equal(w.read(stored, wideSize), w.want) {
		w.t.Error("wide_average stores something else")
	}
	w.launch(lower.Launch{Kernel: "wide_dense", Module: "wide", Grid: lower.Dim{X: images, Y: 1, Z: 1}, Threads: 256},
		lower.WideDenseParameters{X: features, W: w.floats(classes * c), B: w.floats(classes), Y: y, Features: c, Classes: classes})
	written(w.t, "logits", w.readFloats(y, images*classes))
}
