//go:build gpu

package random_test

import (
	"fmt"
	"math"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/lower"
	"longtail/internal/plan"
)

// Images of one to four channels with random scales and shifts, each channel's its own, with and without mixing and augmentation.
func TestImages(t *testing.T) {
	const samples, batch, classes = 7, 5, 6
	for channels := 1; channels <= 4; channels++ {
		for variant := range 10 {
			tie := variant >= 8
			augmented, mixed, resized := variant%2 == 1 || tie, variant/2%2 == 1, variant >= 4
			height, width := 11, 13
			if channels == 1 && resized && !tie { // so large that small errors of area and ratio change the number of rows
				height, width = 90, 110
			}
			t.Run(fmt.Sprintf("%d channels, %d: augmented %v mixed %v resized %v", channels, variant, augmented, mixed, resized), func(t *testing.T) {
				var results [2][]float32
				for half := range 2 {
					m := newMaker(t, uint64(channels), uint64(10+variant), half == 1)
					pixels, labels := make([]byte, samples*channels*height*width), make([]int32, samples)
					for i := range pixels {
						pixels[i] = byte(m.r.IntN(256))
					}
					for i := range labels {
						labels[i] = int32(m.r.IntN(classes))
					}
					order := []int32{3, 0, -1, 6, 3}
					d := lower.Draw{
						Pixels: absolute(cudatest.Upload(t, m.s, pixels)), Labels: absolute(cudatest.Upload(t, m.s, labels)), Images: m.room(batch * height * width * 4),
						Target: absolute(cudatest.Alloc[float32](t, m.s, batch*classes)), BatchLabels: absolute(cudatest.Alloc[int32](t, m.s, batch)),
						Seed: 1<<40 + 77, Batch: batch, Samples: samples, Classes: classes, Channels: int32(channels), Height: int32(height), Width: int32(width), Purpose: 3, RepeatsFrom: 2,
						Scale: [4]float32(m.uniform(4)), Shift: [4]float32(m.uniform(4)), Outside: m.factor(), Stride: batch,
					}
					if augmented {
						d.Augment, d.Hole = 1, 3
					}
					if resized { // without augmentation, the image in the middle nevertheless
						d.Resized = plan.Resized{Share: [2]float32{0.1, 0.8}, Ratio: [2]float32{-1, 1.5}, Height: int32(height), Width: int32(width)}
					}
					if variant == 6 || variant == 7 { // a power of 2 that needs all terms of its series
						d.Resized.Ratio = [2]float32{0.49}
					}
					switch variant { // a quotient or product a little less than a square, whose root is rounded to a half: to an integer as half to even says
					case 8: // area / ratio, 7.5 x 7.5
						d.Resized.Share, d.Resized.Ratio = [2]float32{526069.0 / (1 << 20)}, [2]float32{11501.0 / (1 << 15)}
					case 9: // area x ratio, 9.5 x 9.5
						d.Resized.Share, d.Resized.Ratio = [2]float32{535355.0 / (1 << 20)}, [2]float32{10022.0 / (1 << 15)}
					}
					if mixed {
						order = append(order, 1, 2, 3, 4, 0) // partners
						for range batch {
							order = append(order, int32(math.Float32bits(m.factor())))
						}
						// A share and a box; 1 - share is rounded, which it would not be from a half on.
						order = append(order, int32(math.Float32bits(m.factor()/4)), 2, 3, 7, 8)
						d.Second, d.First = absolute(cudatest.Alloc[float32](t, m.s, batch*classes)), absolute(cudatest.Alloc[float32](t, m.s, batch))
						d.Stride = int32(len(order))
					}
					d.Control = m.table(lower.Control{Order: absolute(cudatest.Upload(t, m.s, order)), Step: 4})
					m.launch(lower.Launch{Kernel: fmt.Sprintf("images_f%d", 32-16*half), Module: "images", Grid: lower.Dim{X: batch, Y: 1, Z: 1}, Threads: 256}, lower.ImagesParameters{Draw: d})
					results[half] = m.read(d.Images, batch*height*width*4)
				}
				near(t, results[1], results[0])
			})
		}
	}
}
