package cpu

// Kernels that go over an image once, element by element.

// sweep is a pass over rows of n floats each; p, q and r are coefficients by channel.
type sweep struct {
	dst, a, b                []float32 // from the first element on; b may be nil
	dstPitch, aPitch, bPitch int       // floats from row to row
	rows, n                  int
	p, q, r                  []float32 // [C]
	relu                     bool
	aKept, bKept             format
}

// normalize is dst = x * scale + shift + add for [h, w, C], with C the length of scale and add nil for nothing, and with
// relu the larger of that and 0. x and add may be of float16 where hasNarrow(C); add only where x is.
func (k kernels) normalize(dst, x view, add *view, h, w int, scale, shift []float32, relu bool) {
	n := w * len(scale)
	j := sweep{
		dst: dst.rows(h, n), dstPitch: dst.pitch, a: x.rows(h, n), aPitch: x.pitch, rows: h, n: n,
		p: scale, q: shift[:len(scale)], relu: relu, aKept: x.kept,
	}
	if add != nil {
		j.b, j.bPitch, j.bKept = add.rows(h, n), add.pitch, add.kept
	}
	k.normalizeRows(&j)
}

// combine is dst = a * g + b * x + d for [h, w, C], with a, b and d by channel: the gradient of the input of a batch norm. Where
// hasNarrow(C), g and x may be of bfloat16 and float16.
func (k kernels) combine(dst, g, x view, h, w int, a, b, d []float32) {
	n := w * len(a)
	j := sweep{
		dst: dst.rows(h, n), dstPitch: dst.pitch, a: g.rows(h, n), aPitch: g.pitch, b: x.rows(h, n), bPitch: x.pitch, rows: h, n: n,
		p: a, q: b[:len(a)], r: d[:len(a)], aKept: g.kept, bKept: x.kept,
	}
	k.combineRows(&j)
}

// mask is dst = g where out > 0, else 0, for h rows of n floats: the gradient of a ReLU.
func (k kernels) mask(dst, out, g view, h, n int) {
	k.maskRows(&sweep{
		dst: dst.rows(h, n), dstPitch: dst.pitch, a: out.rows(h, n), aPitch: out.pitch, b: g.rows(h, n), bPitch: g.pitch, rows: h, n: n,
	})
}

// add is dst = a + b for h rows of n floats.
func (k kernels) add(dst, a, b view, h, n int) {
	k.addRows(&sweep{
		dst: dst.rows(h, n), dstPitch: dst.pitch, a: a.rows(h, n), aPitch: a.pitch, b: b.rows(h, n), bPitch: b.pitch, rows: h, n: n,
	})
}

// copyView is dst = src for h rows of n floats.
func (k kernels) copyView(dst, src view, h, n int) {
	for y := range h {
		copy(dst.data[dst.off+y*dst.pitch:][:n], src.data[src.off+y*src.pitch:][:n])
	}
}

// fillBorder writes zeros into the pad pixels around the interior [h, w, c].
func (k kernels) fillBorder(v view, h, w, c, pad int) {
	if pad == 0 {
		return
	}
	for y := -pad; y < h+pad; y++ {
		row := v.data[v.off+y*v.pitch-pad*c:][:(w+2*pad)*c]
		if y < 0 || y >= h {
			clear(row)
			continue
		}
		clear(row[:pad*c])
		clear(row[(pad+w)*c:])
	}
}

// globalAverage is dst [c] = the mean over the pixels of x [h, w, c].
func (k kernels) globalAverage(dst []float32, x view, h, w, c int) {
	var zeros buffer[float32]
	var total, squares buffer[float64]
	j := sums{a: x.rows(h, w*c), aPitch: x.pitch, rows: h, n: w * c, p: zeros.take(c), s: total.take(c), t: squares.take(c)}
	k.deviationRows(&j)
	for i, s := range j.s {
		dst[i] = float32(s / float64(h*w))
	}
}

// globalAverageGrad gives every pixel of dst [h, w, c] its share of g [c].
func (k kernels) globalAverageGrad(dst view, g []float32, h, w, c int) {
	part := float32(h * w)
	for y := range h {
		row := dst.data[dst.off+y*dst.pitch:][:w*c]
		for i := range row[:c] {
			row[i] = g[i] / part
		}
		for x := 1; x < w; x++ {
			copy(row[x*c:][:c], row[:c])
		}
	}
}

// sgd is a step of gradient descent with momentum and weight decay: v = momentum v + (g + decay w), w = w - lr v.
func (k kernels) sgd(w, v, g []float32, lr, momentum, decay float32) {
	k.sgdStep(w, v[:len(w)], g[:len(w)], lr, momentum, decay)
}

// nesterov is the same with Nesterov's momentum, in the form of PyTorch's SGD: w = w - lr ((g + decay w) + momentum v). It has no AVX2:
// parameters are few beside the products of a step.
func (k kernels) nesterov(w, v, g []float32, lr, momentum, decay float32) {
	v, g = v[:len(w)], g[:len(w)]
	for i := range w {
		d := g[i] + decay*w[i]
		v[i] = momentum*v[i] + d
		w[i] -= lr * (d + momentum*v[i])
	}
}

// sumChunks is dst[i] = the sum over chunks of partial[chunk][i], in order.
func (k kernels) sumChunks(dst, partial []float32, chunks int) {
	copy(dst, partial[:len(dst)])
	for chunk := 1; chunk < chunks; chunk++ {
		k.accumulate(dst, partial[chunk*len(dst):][:len(dst)])
	}
}
