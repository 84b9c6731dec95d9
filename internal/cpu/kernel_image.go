package cpu

import (
	"longtail/data"
	"longtail/internal/plan"
)

// crop says which part of an image to take: the top left corner of a window in the image with a border around it, or a part that is
// resized; whether that is mirrored, and which square of it is set to zero.
type crop struct {
	part            data.Part // to resize; without a height there is none, but a window
	border          int       // pixels on each side
	outside         float32
	dy, dx          int // 0 to 2*border; border for the image itself
	flip            bool
	top, left, side int // of the square, which may reach beyond the crop; side 0 is none
}

// image writes the crop of one image [channels, h, w] of bytes, at most 4 channels, to the interior dst [h, w, 4] as the numbers that
// table has for the bytes; the border is outside, and channels beyond the image's 0.
func (k kernels) image(dst view, pixels []byte, table *[4][256]float32, channels, h, w int, c crop) {
	for y := range h {
		row := dst.data[dst.off+y*dst.pitch:][:4*w]
		for i := range row {
			row[i] = c.outside
		}
		for ch := channels; ch < 4; ch++ {
			for x := range w {
				row[4*x+ch] = 0
			}
		}
		if c.part.Height > 0 {
			c.resizedLine(row, pixels, table, channels, h, w, y)
		} else if from := y + c.dy - c.border; from >= 0 && from < h {
			for ch := range channels {
				c.line(row[ch:], pixels[(ch*h+from)*w:][:w], &table[ch])
			}
		}
		if y >= c.top && y < c.top+c.side {
			clear(row[4*min(max(c.left, 0), w) : 4*min(max(c.left+c.side, 0), w)])
		}
	}
}

// line writes one channel of a row of the crop, every fourth float, from a line of the image.
func (c *crop) line(row []float32, line []byte, table *[256]float32) {
	w := len(line)
	shift := c.dx - c.border // column x of the crop is column x + shift of the image where that exists
	first, end := max(0, -shift), min(w, w-shift)
	for x := first; x < end; x++ {
		to := x
		if c.flip {
			to = w - 1 - x
		}
		row[4*to] = table[line[x+shift]]
	}
}

// mix mixes an image into dst, as plan.Mixture says. Products are rounded before they are added, on every processor.
func (k kernels) mix(dst, second view, a area, m *plan.Mixture) {
	share, rest := m.Share, 1-m.Share
	for y := range a.h {
		to, from := dst.data[dst.off+y*dst.pitch:][:a.w*a.c], second.data[second.off+y*second.pitch:][:a.w*a.c]
		left, right := a.w, a.w // of the box
		if y >= int(m.Box.Top) && y < int(m.Box.Bottom) {
			left, right = int(m.Box.Left), int(m.Box.Right)
		}
		for i := range to {
			if i >= left*a.c && i < right*a.c {
				to[i] = from[i]
			} else {
				to[i] = float32(share*to[i]) + float32(rest*from[i])
			}
		}
	}
}
