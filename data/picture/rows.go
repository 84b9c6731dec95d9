package picture

import (
	"image"
	"image/color"
)

// rows writes row y of a canvas as RGB, 3 bytes a pixel, from column first on.
type rows func(y, first int, to []byte)

// rowsOf are the rows of an image on a canvas; what the image does not cover, and what shines through it, is the background.
func rowsOf(img image.Image, canvas image.Rectangle, background [3]byte) rows {
	at := canvas.Min
	switch m := img.(type) {
	case *image.YCbCr:
		return func(y, first int, to []byte) {
			for i := 0; i < len(to); i += 3 {
				x := at.X + first + i/3
				luma, chroma := m.YOffset(x, at.Y+y), m.COffset(x, at.Y+y)
				to[i], to[i+1], to[i+2] = color.YCbCrToRGB(m.Y[luma], m.Cb[chroma], m.Cr[chroma])
			}
		}
	case *image.Gray:
		return func(y, first int, to []byte) {
			line := m.Pix[m.PixOffset(at.X+first, at.Y+y):]
			for i := 0; i < len(to); i += 3 {
				to[i], to[i+1], to[i+2] = line[i/3], line[i/3], line[i/3]
			}
		}
	case *image.RGBA:
		if m.Opaque() {
			return func(y, first int, to []byte) {
				line := m.Pix[m.PixOffset(at.X+first, at.Y+y):]
				for i := 0; i < len(to); i += 3 {
					copy(to[i:i+3], line[i/3*4:])
				}
			}
		}
	}
	return func(y, first int, to []byte) {
		for i := 0; i < len(to); i += 3 {
			var c color.Color = color.Transparent
			if p := image.Pt(at.X+first+i/3, at.Y+y); p.In(img.Bounds()) {
				c = img.At(p.X, p.Y)
			}
			over(c, background, to[i:])
		}
	}
}

// over writes a colour on a background, rounded to 8 bits.
func over(c color.Color, background [3]byte, to []byte) {
	r, g, b, a := c.RGBA()
	for i, v := range [3]uint32{r, g, b} {
		v += 257 * uint32(background[i]) * (0xffff - a) / 0xffff
		to[i] = byte((min(v, 0xffff)*255 + 0x7fff) / 0xffff)
	}
}
