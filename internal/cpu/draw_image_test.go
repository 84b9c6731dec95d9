package cpu

import (
	"testing"

	"longtail/data"
	"longtail/internal/plan"
)

// An image is, to the bit, what the program declares around data.Augment: the input's numbers, a crop for each time that an image comes, a
// square of zeros, the input's border; and the middle of the image where nothing is drawn.
func TestDrawnImagesFollowTheProgram(t *testing.T) {
	for _, side := range []int{8, 32, 48} {
		testDrawnImages(t, side)
	}
}

func testDrawnImages(t *testing.T, side int) {
	const samples, position = 6, 27 // place 3 of epoch 4
	pixels := make([]byte, samples*3*side*side)
	for i := range pixels {
		pixels[i] = byte(i*7 + i/97)
	}
	for name, o := range map[string]plan.Options{
		"in the middle":                  {},
		"crop and flip":                  {Augment: true},
		"repeats":                        {Augment: true, Repeats: true, RepeatsFrom: 4},
		"repeats in a later epoch":       {Augment: true, Repeats: true, RepeatsFrom: 5},
		"a square of zeros, and repeats": {Augment: true, Cutout: 4, Repeats: true},
	} {
		for _, input := range data.Inputs() {
			in, err := data.NewInput(input, 3)
			if err != nil {
				t.Fatal(err)
			}
			o.Seed, o.Samples = 11, samples
			p := &plan.Program{Options: o, Pixels: plan.Pixels(in)}
			s := &session{
				program: p, table: p.Pixels.Table(), kernels: set(t, ""), batch: []int32{-1, 5}, first: position - 1,
				images: data.Images{Pixels: pixels, Channels: 3, Height: side, Width: side},
			}
			dst := view{data: make([]float32, side*side*4), pitch: side * 4}
			s.drawSample(dst, &place{shape: area{side, side, 4}}, 1)
			draw := 0
			if o.Repeats && o.RepeatsFrom <= 4 {
				draw = 1 + 3
			}
			border := data.Border(side)
			c := data.Crop{DY: border, DX: border}
			if o.Augment {
				c = data.Augment(11, 4, draw, 5, side)
			}
			top, left := c.Hole(o.Cutout, side, side)
			for i := range side * side * 3 {
				y, x, ch := i/3/side, i/3%side, i%3
				fromY, fromX := y+c.DY-border, x+c.DX-border
				if c.Flip {
					fromX = side - 1 - x + c.DX - border
				}
				var want float32
				switch {
				case y >= top && y < top+o.Cutout && x >= left && x < left+o.Cutout:
				case fromY < 0 || fromY >= side || fromX < 0 || fromX >= side:
					want = in.Border
				default:
					want = p.Pixels.Table()[ch][pixels[((5*3+ch)*side+fromY)*side+fromX]]
				}
				if got := dst.data[(y*side+x)*4+ch]; got != want {
					t.Fatalf("%s, %s: pixel (%d, %d) channel %d is %v, want %v", name, input, y, x, ch, got, want)
				}
			}
		}
	}
}
