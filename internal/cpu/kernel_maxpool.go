package cpu

// maxPooling is the shape of a pooling by maximum: images [H, W, C] to [OH, OW, C] by windows of K x K pixels.
type maxPooling struct {
	H, W, C, OH, OW int
	K, Stride, Pad  int
}

// maxPool is dst [OH, OW, C] = the largest pixel of each window of src [H, W, C] that lies in the image.
func (k kernels) maxPool(dst, src view, g maxPooling) {
	for y := range g.OH {
		for x := range g.OW {
			out := dst.from(y, x, g.C).rows(1, g.C)
			first := true
			g.window(y, x, func(h, w int) {
				in := src.from(h, w, g.C).rows(1, g.C)
				if first {
					first = false
					copy(out, in)
					return
				}
				for c, v := range in {
					if v > out[c] {
						out[c] = v
					}
				}
			})
		}
	}
}

// maxPoolGrad is the gradient of maxPool at src: dy [OH, OW, C] is added to dst [H, W, C] at the first of the largest pixels of each window.
func (k kernels) maxPoolGrad(dst, src, dy view, g maxPooling) {
	var values buffer[float32]
	best, at := values.take(g.C), make([]int, g.C)
	for y := range g.H {
		clear(dst.from(y, 0, g.C).rows(1, g.W*g.C))
	}
	for y := range g.OH {
		for x := range g.OW {
			first := true
			g.window(y, x, func(h, w int) {
				in, to := src.from(h, w, g.C).rows(1, g.C), dst.off+h*dst.pitch+w*g.C
				for c, v := range in {
					if first || v > best[c] {
						best[c], at[c] = v, to+c
					}
				}
				first = false
			})
			for c, v := range dy.from(y, x, g.C).rows(1, g.C) {
				dst.data[at[c]] += v
			}
		}
	}
}

// window visits the pixels of the window of output pixel (y, x) that lie in the image, row by row.
func (g *maxPooling) window(y, x int, visit func(h, w int)) {
	top, left := y*g.Stride-g.Pad, x*g.Stride-g.Pad
	for h := max(0, top); h < min(g.H, top+g.K); h++ {
		for w := max(0, left); w < min(g.W, left+g.K); w++ {
			visit(h, w)
		}
	}
}
