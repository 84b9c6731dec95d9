package cpu

// shortcutPool is dst [H, W, Small] = the 2x2 averages of src [2H, 2W, Big], at channels Before and up; the others are zero.
func (k kernels) shortcutPool(dst, src view, g halving) {
	for y := range g.H {
		to := dst.data[dst.off+y*dst.pitch:][:g.W*g.Small]
		upper := src.data[src.off+2*y*src.pitch:][:2*g.W*g.Big]
		lower := src.data[src.off+(2*y+1)*src.pitch:][:2*g.W*g.Big]
		clear(to)
		for x := range g.W {
			out := to[x*g.Small+g.Before:][:g.Channels]
			a, b := upper[2*x*g.Big:][:g.Channels], upper[(2*x+1)*g.Big:][:g.Channels]
			c, d := lower[2*x*g.Big:][:g.Channels], lower[(2*x+1)*g.Big:][:g.Channels]
			for i := range out {
				out[i] = 0.25 * ((a[i] + b[i]) + (c[i] + d[i]))
			}
		}
	}
}

// shortcutPoolGrad is the gradient of shortcutPool: dst [2H, 2W, Big] from src [H, W, Small].
func (k kernels) shortcutPoolGrad(dst, src view, g halving) {
	for y := range 2 * g.H {
		to := dst.data[dst.off+y*dst.pitch:][:2*g.W*g.Big]
		from := src.data[src.off+y/2*src.pitch:][:g.W*g.Small]
		for x := range 2 * g.W {
			out, in := to[x*g.Big:][:g.Big], from[x/2*g.Small+g.Before:][:g.Channels]
			for i, v := range in {
				out[i] = 0.25 * v
			}
			clear(out[g.Channels:])
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
