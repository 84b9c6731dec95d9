package cpu

import (
	"math"
	"testing"

	"longtail/data"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
)

// weights are those of the pixels of a line of a part in pixel i of size, by PyTorch's antialiased bilinear interpolation in float64: a
// triangle as wide as a pixel of the larger of the two, cut off at the ends of the part.
func weights(i, part, size int) map[int]float64 {
	scale := float64(part) / float64(size)
	stretch := max(scale, 1)
	all, sum := map[int]float64{}, 0.0
	for k := range part {
		if weight := 1 - math.Abs(float64(k)+0.5-(float64(i)+0.5)*scale)/stretch; weight > 0 {
			all[k] = weight
			sum += weight
		}
	}
	for k := range all {
		all[k] /= sum
	}
	return all
}

// Resized images are, in every size, with and without a hole, mirrored or not, antialiased bilinear interpolation of the drawn part to 2^-21 of the
// numbers' range, and to the bit the formula of data.Part, so that CUDA has the same.
func TestResizedImagesAreBilinear(t *testing.T) {
	const samples, batch = 5, 4
	images, flips := 0, 0
	for _, size := range [][2]int{{32, 32}, {48, 48}, {96, 96}, {20, 12}, {9, 31}, {256, 256}} {
		h, w := size[0], size[1]
		m := data.Images{Pixels: make([]byte, samples*3*h*w), Labels: make([]int32, samples), Channels: 3, Height: h, Width: w}
		for i := range m.Pixels {
			m.Pixels[i] = byte(i*i>>3 + i*7)
		}
		for k, name := range []string{data.BytesInput, data.StandardInput} {
			in, err := data.NewInput(name, 3)
			if err != nil {
				t.Fatal(err)
			}
			resized := data.NewResized([2]float64{0.08, 1}, [2]float64{0.75, 1.3333}, h, w)
			o := plan.Options{Augment: true, Resized: plan.Resized(resized), Seed: 3, Samples: samples, Cutout: h / 4 * k, Repeats: true, RepeatsFrom: 3}
			p := &plan.Program{Options: o, Pixels: plan.Pixels(in)}
			s := &session{program: p, table: p.Pixels.Table(), kernels: set(t, ""), batch: []int32{4, -1, 2, 0}, images: m}
			for step := range min(4, 1+9000/(h*w)) { // repeats from the fourth epoch on
				s.first = step * batch
				for n, sample := range s.batch {
					dst := view{data: make([]float32, h*w*4), pitch: w * 4}
					s.drawSample(dst, &place{shape: area{h, w, 4}}, n)
					for i := n; i < len(dst.data); i += h*w*4/3000 | 1 {
						got := dst.data[i]
						if want := programtest.Pixel(&o, p.Pixels, m, s.first+n, int(sample), i/4/w, i/4%w, i%4); math.Float32bits(got) != math.Float32bits(want) {
							t.Fatalf("%v, %s, step %d, image %d: channel %d of pixel (%d, %d) is %v, want %v", size, name, step, n, i%4, i/4/w, i/4%w, got, want)
						}
					}
					if sample < 0 {
						continue
					}
					epoch, draw := o.Draw(s.first + n)
					crop, part := data.Augment(o.Seed, epoch, draw, int(sample), h), resized.Draw(o.Seed, epoch, draw, int(sample), h, w)
					if images++; crop.Flip {
						flips++
					}
					compareBilinear(t, dst.data, m.Image(int(sample)), p.Pixels, crop, part, o.Cutout, h, w)
				}
			}
		}
	}
	if flips < images/4 || flips > images*3/4 {
		t.Errorf("%d of %d images are mirrored", flips, images)
	}
}

// compareBilinear compares an image [h, w, 4] with its part in float64.
func compareBilinear(t *testing.T, got []float32, image []byte, pixels plan.Pixels, crop data.Crop, part data.Part, side, h, w int) {
	t.Helper()
	top, left := crop.Hole(side, h, w)
	columns := make([]map[int]float64, w)
	for x := range columns {
		columns[x] = weights(x, part.Width, w)
	}
	for y := range h {
		down := weights(y, part.Height, h)
		for x := range w {
			to := x
			if crop.Flip {
				to = w - 1 - x
			}
			for c := range 3 {
				sum := 0.0
				for i, a := range down {
					for k, b := range columns[x] {
						sum += a * b * float64(image[(c*h+part.Top+i)*w+part.Left+k])
					}
				}
				want := float64(pixels.Scale[c])*sum + float64(pixels.Shift[c])
				if y >= top && y < top+side && to >= left && to < left+side {
					want = 0
				}
				if d := math.Abs(float64(got[(y*w+to)*4+c]) - want); d > 0x1p-21*256*float64(pixels.Scale[c]) {
					t.Fatalf("%d x %d, %+v, %+v: channel %d of pixel (%d, %d) is %v, want %v", h, w, part, crop, c, y, to, got[(y*w+to)*4+c], want)
				}
			}
		}
	}
}
