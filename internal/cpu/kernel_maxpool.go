package cpu

// maxPooling is the shape of a pooling by maximum: images [H, W, C] to [OH, OW, C] by windows of K x K pixels.
type maxPooling struct {
	H, W, C, OH, OW int
	K, Stride, Pad  int
}

// maxPool is dst [OH, OW, C] = the largest pixel of each window of src [H, W, C] that lies in the image.
func (k kernels) maxPool(dst, src view, g maxPooling) {
	j := g.newWindow()
	j.x = src.data
	for y := range g.OH {
		for x := range g.OW {
			j.y = dst.from(y, x, g.C).rows(1, g.C)
			g.window(&j, y, x, src, src)
			k.maxWindow(&j)
		}
	}
}

// maxPoolGrad is the gradient of maxPool at src: dy [OH, OW, C] is added to dst [H, W, C] at the first of the largest pixels of each window.
func (k kernels) maxPoolGrad(dst, src, dy view, g maxPooling) {
	for y := range g.H {
		clear(dst.from(y, 0, g.C).rows(1, g.W*g.C))
	}
	j := g.newWindow()
	j.x, j.dx = src.data, dst.data
	for y := range g.OH {
		for x := range g.OW {
			j.y = dy.from(y, x, g.C).rows(1, g.C)
			g.window(&j, y, x, src, dst)
			k.maxWindowGrad(&j)
		}
	}
}

// poolWindow is a window of an image.
type poolWindow struct {
	x, dx []float32
	y     []float32    // [C] the largest pixel, or its gradient
	at    []poolOffset // of its pixels, row by row
}

// poolOffset is where a pixel of a window starts in x and in dx.
type poolOffset struct{ x, dx int }

func (g *maxPooling) newWindow() poolWindow {
	return poolWindow{at: make([]poolOffset, 0, g.K*g.K)}
}

// window finds the pixels of the window of output pixel (y, x) that lie in the image.
func (g *maxPooling) window(j *poolWindow, y, x int, src, dst view) {
	j.at = j.at[:0]
	top, left := y*g.Stride-g.Pad, x*g.Stride-g.Pad
	for h := max(0, top); h < min(g.H, top+g.K); h++ {
		for w := max(0, left); w < min(g.W, left+g.K); w++ {
			j.at = append(j.at, poolOffset{src.off + h*src.pitch + w*g.C, dst.off + h*dst.pitch + w*g.C})
		}
	}
}

// check panics where a window reaches beyond the memory: the kernels check nothing.
func (j *poolWindow) check() {
	last := j.at[len(j.at)-1] // the offsets rise
	_ = j.x[j.at[0].x : last.x+len(j.y)]
	if j.dx != nil {
		_ = j.dx[j.at[0].dx : last.dx+len(j.y)]
	}
}

func maxWindowGeneric(j *poolWindow) {
	for i, at := range j.at {
		in := j.x[at.x:][:len(j.y)]
		if i == 0 {
			copy(j.y, in)
			continue
		}
		for c, v := range in {
			if v > j.y[c] {
				j.y[c] = v
			}
		}
	}
}

func maxWindowGradGeneric(j *poolWindow) {
	for c, v := range j.y {
		best := 0
		for i, at := range j.at {
			if j.x[at.x+c] > j.x[j.at[best].x+c] {
				best = i
			}
		}
		j.dx[j.at[best].dx+c] += v
	}
}
