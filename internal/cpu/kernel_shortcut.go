package cpu

// halvingRow is a row of the small image of a shortcut, from channel Before on, and the two rows of the big one beside it. Channels that
// only one of them has are left alone.
type halvingRow struct {
	small, upper, lower  []float32
	smallPixel, bigPixel int // floats from pixel to pixel
	pixels, channels     int // of the small image
}

// row is row y of the shortcut between two views.
func (g *halving) row(small, big view, y int) halvingRow {
	return halvingRow{
		small: small.from(y, 0, g.Small).rows(1, g.W*g.Small)[g.Before:],
		upper: big.from(2*y, 0, g.Big).rows(1, 2*g.W*g.Big), lower: big.from(2*y+1, 0, g.Big).rows(1, 2*g.W*g.Big),
		smallPixel: g.Small, bigPixel: g.Big, pixels: g.W, channels: g.Channels,
	}
}

// shortcutPool is dst [H, W, Small] = the 2x2 averages of src [2H, 2W, Big], at channels Before and up; the others are zero.
func (k kernels) shortcutPool(dst, src view, g halving) {
	for y := range g.H {
		if g.Channels < g.Small {
			clear(dst.from(y, 0, g.Small).rows(1, g.W*g.Small))
		}
		j := g.row(dst, src, y)
		k.averageRow(&j)
	}
}

func averageRowGeneric(j *halvingRow) {
	for x := range j.pixels {
		out := j.small[x*j.smallPixel:][:j.channels]
		a, b := j.upper[2*x*j.bigPixel:][:j.channels], j.upper[(2*x+1)*j.bigPixel:][:j.channels]
		c, d := j.lower[2*x*j.bigPixel:][:j.channels], j.lower[(2*x+1)*j.bigPixel:][:j.channels]
		for i := range out {
			out[i] = 0.25 * ((a[i] + b[i]) + (c[i] + d[i]))
		}
	}
}

// shortcutPoolGrad is the gradient of shortcutPool: dst [2H, 2W, Big] from src [H, W, Small].
func (k kernels) shortcutPoolGrad(dst, src view, g halving) {
	for y := range g.H {
		j := g.row(src, dst, y)
		if g.Channels < g.Big {
			clear(j.upper)
			clear(j.lower)
		}
		k.spreadRow(&j)
	}
}

func spreadRowGeneric(j *halvingRow) {
	for x := range j.pixels {
		in := j.small[x*j.smallPixel:][:j.channels]
		for _, row := range [][]float32{j.upper, j.lower} {
			left, right := row[2*x*j.bigPixel:][:j.channels], row[(2*x+1)*j.bigPixel:][:j.channels]
			for i, v := range in {
				left[i] = 0.25 * v
				right[i] = 0.25 * v
			}
		}
	}
}

// shortcutSubsample is dst [H, W, Small] = every second pixel of src [2H, 2W, Big], at channels Before and up; the others are
// zero.
func (k kernels) shortcutSubsample(dst, src view, g halving) {
	for y := range g.H {
		to := dst.data[dst.off+y*dst.pitch:][:g.W*g.Small]
		from := src.data[src.off+2*y*src.pitch:][:2*g.W*g.Big]
		clear(to)
		for x := range g.W {
			copy(to[x*g.Small+g.Before:][:g.Channels], from[2*x*g.Big:])
		}
	}
}

// shortcutSubsampleGrad is the gradient of shortcutSubsample: dst [2H, 2W, Big] from src [H, W, Small].
func (k kernels) shortcutSubsampleGrad(dst, src view, g halving) {
	for y := range 2 * g.H {
		to := dst.data[dst.off+y*dst.pitch:][:2*g.W*g.Big]
		clear(to)
		if y%2 != 0 {
			continue
		}
		from := src.data[src.off+y/2*src.pitch:][:g.W*g.Small]
		for x := range g.W {
			copy(to[2*x*g.Big:][:g.Channels], from[x*g.Small+g.Before:])
		}
	}
}
