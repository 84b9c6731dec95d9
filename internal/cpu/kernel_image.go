package cpu

// crop says which part of an image to take: the top left corner of the crop in the image with a border of bytes 0 around
// it, and whether the crop is mirrored.
type crop struct {
	border int // pixels on each side
	dy, dx int // 0 to 2*border; border for the image itself
	flip   bool
}

// image writes the crop of one image [channels, h, w] of bytes, at most 4 channels, to the interior dst [h, w, 4] as
// byte/128 - 1; the border's bytes become -1, channels beyond the image's 0.
func (k kernels) image(dst view, pixels []byte, channels, h, w int, c crop) {
	for y := range h {
		row := dst.data[dst.off+y*dst.pitch:][:4*w]
		for i := range row {
			row[i] = -1
		}
		for ch := channels; ch < 4; ch++ {
			for x := range w {
				row[4*x+ch] = 0
			}
		}
		from := y + c.dy - c.border
		if from < 0 || from >= h {
			continue
		}
		// column x of the crop is column x + shift of the image where that exists
		shift := c.dx - c.border
		first, end := max(0, -shift), min(w, w-shift)
		for ch := range channels {
			line := pixels[(ch*h+from)*w:][:w]
			for x := first; x < end; x++ {
				to := x
				if c.flip {
					to = w - 1 - x
				}
				row[4*to+ch] = float32(line[x+shift])/128 - 1
			}
		}
	}
}
