package cpu

// sums adds over the pixels of rows of n floats each, by channel, to s and t: the pixels of a row in float32, the rows in float64.
type sums struct {
	a, b           []float32 // from the first element on; b may be nil
	aPitch, bPitch int
	rows, n        int
	p              []float32 // [C] what is taken off
	s, t           []float64 // [C]
}

// maxChannels is the number of channels whose sums fit on a goroutine's stack; more are allocated.
const maxChannels = 256

// buffer is room for a few numbers by channel.
type buffer[T float32 | float64] [maxChannels]T

func (b *buffer[T]) take(n int) []T {
	if n > len(b) {
		return make([]T, n)
	}
	clear(b[:n])
	return b[:n]
}

// moments writes mean [c] and sum of squared deviations m2 [c] of x [h, w, c]. The first pass finds a mean that is as good as
// float32 can hold; the second sums deviations from it, and their own mean corrects both results. A nearer shift, such as the
// mean of one row, saves a pass but doubles the error of a deep network's gradients.
func (k kernels) moments(x view, h, w, c int, mean, m2 []float64) {
	var shift buffer[float32]
	var dev, squares buffer[float64]
	j := sums{a: x.rows(h, w*c), aPitch: x.pitch, rows: h, n: w * c, p: shift.take(c), s: dev.take(c), t: squares.take(c)}
	k.deviationRows(&j)
	pixels := float64(h * w)
	for i, s := range j.s {
		j.p[i] = float32(s / pixels)
	}
	clear(j.s)
	clear(j.t)
	k.deviationRows(&j)
	for i, s := range j.s {
		off := s / pixels
		mean[i] = float64(j.p[i]) + off
		m2[i] = max(0, j.t[i]-off*off*pixels)
	}
}

// mergeMoments adds m values with moments (otherMean, otherM2) to n values with (mean, m2), in place: Chan, Golub, LeVeque
// 1979, equation 2.1. n may be 0.
func mergeMoments(mean, m2 []float64, n int, otherMean, otherM2 []float64, m int) {
	if m == 0 {
		return
	}
	total := float64(n + m)
	share := float64(m) / total
	for i := range mean {
		delta := otherMean[i] - mean[i]
		mean[i] += delta * share
		m2[i] += otherM2[i] + delta*delta*float64(n)*share
	}
}

// reluSums is dst = a + plus where out > 0, else 0, and adds dst and dst * (b - p) by channel to the sums s and t.
type reluSums struct {
	sums
	out, dst, plus                []float32 // from the first element on; plus may be nil
	outPitch, dstPitch, plusPitch int       // bytes from row to row
	aKept, bKept                  format
	far                           bool // dst is
}

// reluGradSums is dst = g + plus where out > 0, else 0, the gradient of a ReLU, and adds what gradSums adds of dst and x: one pass where
// the kernels have one for it, else each by itself. plus nil is nothing. Where hasNarrow(C), x may be of float16 and dst of bfloat16, and
// then g, too, if there is something to add.
func (k kernels) reluGradSums(dst, out, g view, plus *view, x view, h, w int, mean, invstd []float32, sumG, sumGX []float64) {
	var products buffer[float64]
	c := len(mean)
	j := reluSums{
		sums: sums{
			a: g.rows(h, w*c), aPitch: g.pitch, b: x.rows(h, w*c), bPitch: x.pitch, rows: h, n: w * c, p: mean, s: sumG[:c], t: products.take(c),
		},
		out: out.rows(h, w*c), outPitch: 4 * out.pitch, dst: dst.rows(h, w*c), dstPitch: 4 * dst.pitch, aKept: g.kept, bKept: x.kept, far: dst.far,
	}
	if plus != nil {
		j.plus, j.plusPitch = plus.rows(h, w*c), 4*plus.pitch
	}
	if k.reluSumRows(&j) {
		for i, product := range j.t {
			sumGX[i] += product * float64(invstd[i])
		}
		return
	}
	if plus != nil {
		k.add(dst, g, *plus, h, w*c)
		g = dst
	}
	k.mask(dst, out, g, h, w*c)
	k.gradSums(dst, x, h, w, mean, invstd, sumG, sumGX)
}

// gradSums adds, by channel, the sums over the pixels of [h, w, C] of g and of g * (x - mean) * invstd to sumG and sumGX [C].
func (k kernels) gradSums(g, x view, h, w int, mean, invstd []float32, sumG, sumGX []float64) {
	var products buffer[float64]
	c := len(mean)
	j := sums{
		a: g.rows(h, w*c), aPitch: g.pitch, b: x.rows(h, w*c), bPitch: x.pitch, rows: h, n: w * c,
		p: mean, s: sumG[:c], t: products.take(c),
	}
	k.gradSumRows(&j)
	for i, product := range j.t {
		sumGX[i] += product * float64(invstd[i])
	}
}
