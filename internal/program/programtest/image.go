package programtest

import (
	"longtail/data"
	"longtail/internal/plan"
)

// Pixel is channel c, of 4, of pixel (y, x) of the image that a program with those options and numbers for bytes draws for a sample, an
// index into the images, at a position of the stream; sample -1 is padding.
func Pixel(o *plan.Options, bytes plan.Pixels, m data.Images, position, sample, y, x, c int) float32 {
	if sample < 0 || c >= m.Channels {
		return 0
	}
	if o.Augment {
		epoch, draw := o.Draw(position)
		d := data.Augment(o.Seed, epoch, draw, sample, m.Height)
		if top, left := d.Hole(o.Cutout, m.Height, m.Width); y >= top && y < top+o.Cutout && x >= left && x < left+o.Cutout {
			return 0
		}
		if d.Flip {
			x = m.Width - 1 - x
		}
		if o.Resized.Draws() {
			part := data.Resized(o.Resized).Draw(o.Seed, epoch, draw, sample, m.Height, m.Width)
			return resized(part, m, bytes.Table()[c][:], sample, y, x, c)
		}
		border := data.Border(m.Height)
		y, x = y+d.DY-border, x+d.DX-border
	}
	if y < 0 || x < 0 || y >= m.Height || x >= m.Width {
		return bytes.Border
	}
	return bytes.Table()[c][m.Image(sample)[(c*m.Height+y)*m.Width+x]]
}

// resized is pixel (y, x) of a part of an image, by the formula of data.Part with each operation rounded to float32.
func resized(part data.Part, m data.Images, table []float32, sample, y, x, c int) float32 {
	number := func(row, column int) float32 {
		row, column = part.Top+min(row, part.Height-1), part.Left+min(column, part.Width-1)
		return table[m.Image(sample)[(c*m.Height+row)*m.Width+column]]
	}
	place := func(i, part, size int) (int, float32) {
		exact := max(0, float64((2*i+1)*part-size)/float64(2*size))
		return int(exact), float32(max(0, (2*i+1)*part-size)%(2*size)) / float32(2*size)
	}
	mix := func(a, b, weight float32) float32 {
		product := float32(weight * float32(b-a)) // without the conversion, processors with fused operations round once
		return a + product
	}
	row, down := place(y, part.Height, m.Height)
	column, right := place(x, part.Width, m.Width)
	return mix(mix(number(row, column), number(row, column+1), right), mix(number(row+1, column), number(row+1, column+1), right), down)
}

// Mixed is the same pixel of place n of a batch of samples that begins at a position of the stream, mixed as plan.Mixture says.
func Mixed(o *plan.Options, bytes plan.Pixels, m data.Images, mixture *plan.Mixture, batch []int32, position, n, y, x, c int) float32 {
	j := int(mixture.Partners[n])
	own := Pixel(o, bytes, m, position+n, int(batch[n]), y, x, c)
	other := Pixel(o, bytes, m, position+j, int(batch[j]), y, x, c)
	if b := mixture.Box; y >= int(b.Top) && y < int(b.Bottom) && x >= int(b.Left) && x < int(b.Right) {
		return other
	}
	return float32(mixture.Share*own) + float32((1-mixture.Share)*other)
}
