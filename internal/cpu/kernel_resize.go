package cpu

// resizedLine writes row y of a part that is resized to [h, w] by bilinear interpolation of the numbers that table has for the bytes: of
// two neighbours in a row, then of two rows. Each operation is rounded to float32, as in kernels/images.cu.
func (c *crop) resizedLine(row []float32, pixels []byte, table *[4][256]float32, channels, h, w, y int) {
	y0, y1, down := neighbours(y, c.part.Height, h)
	at0, at1 := (c.part.Top+y0)*w+c.part.Left, (c.part.Top+y1)*w+c.part.Left
	for x := range w {
		x0, x1, right := neighbours(x, c.part.Width, w)
		to := x
		if c.flip {
			to = w - 1 - x
		}
		for ch := range channels {
			plane, numbers := pixels[ch*h*w:][:h*w], &table[ch]
			upper := between(numbers[plane[at0+x0]], numbers[plane[at0+x1]], right)
			lower := between(numbers[plane[at1+x0]], numbers[plane[at1+x1]], right)
			row[4*to+ch] = between(upper, lower, down)
		}
	}
}

// neighbours are the two pixels of a line of a part that pixel i of size is between, and the weight of the second: data.Part.
func neighbours(i, part, size int) (first, second int, weight float32) {
	at := uint32(max((2*i+1)*part-size, 0))
	step := uint32(2 * size)
	whole := at / step
	return int(whole), min(int(whole)+1, part-1), float32(at-whole*step) / float32(step)
}

func between(a, b, weight float32) float32 { return a + float32(weight*float32(b-a)) }
