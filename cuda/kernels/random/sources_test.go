//go:build gpu

package random_test

import (
	"fmt"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// Every term in every place through the kernels that store a source, sum over it and average it, with moments, with sums and with neither.
func TestSources(t *testing.T) {
	for n, terms := range slots {
		for kind := lower.StatisticsNone; kind <= lower.StatisticsSums; kind++ {
			t.Run(fmt.Sprintf("%d %d", n, kind), func(t *testing.T) {
				const height, width, c, classes = 20, 24, 24, 11 // many values: the rounding of few shows in fp16
				blocks := 3
				if n%4 >= 2 { // so many that their sums are read 16 at a time, the last without a pixel
					blocks = 181
				}
				size := images * height * width * c
				var results [2][]float32
				for half := range 2 {
					m := newMaker(t, uint64(n), 7, half == 1)
					s := m.s
					source := m.source(terms.first, terms.second, terms.mask, n%2 == 0, height, width, c)
					suffix := fmt.Sprintf("_f%d", 32-16*half)
					out := m.room(size)
					if kind == lower.StatisticsNone {
						features := absolute(cudatest.Alloc[float32](t, s, images*c))
						d := lower.Dense{W: m.floats(classes * c), B: m.floats(classes), Y: absolute(cudatest.Alloc[float32](t, s, images*classes)), Classes: classes}
						m.launch(lower.Launch{Kernel: "pointwise" + suffix, Module: "pointwise", Grid: lower.Dim{X: 2, Y: 1, Z: 1}, Threads: 256},
							lower.PointwiseParameters{Source: source, Images: images, To: out})
						results[half] = m.read(out, size)
						m.launch(lower.Launch{Kernel: "average" + suffix, Module: "head", Grid: lower.Dim{X: images, Y: 1, Z: 1}, Threads: 256},
							lower.AverageParameters{Source: source, To: out, Features: features, Dense: d})
						results[half] = append(results[half], cudatest.Download[float32](t, s, driver.Ptr(d.Y.Offset), images*classes)...)
						continue
					}
					q := lower.Statistics{
						Raw: m.stored(size), Moments: m.positive(2 * c), Parts: absolute(cudatest.Alloc[float32](t, s, blocks*(2*c+1))), Ticket: absolute(cudatest.Upload(t, s, []uint32{0})),
						Result: absolute(cudatest.Alloc[float32](t, s, 2*c)), Eps: 1e-3, Factor: m.factor(), Kind: kind,
					}
					m.launch(lower.Launch{Kernel: "statistics" + suffix, Module: "statistics", Grid: lower.Dim{X: blocks, Y: 1, Z: 1}, Threads: 256},
						lower.StatisticsParameters{Source: source, Statistics: q, Images: images, To: out})
					results[half] = append(m.read(out, size), cudatest.Download[float32](t, s, driver.Ptr(q.Result.Offset), 2*c)...)
				}
				near(t, results[1], results[0])
			})
		}
	}
}
