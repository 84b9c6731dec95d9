package cpu

// largeGradWeights is the gradient of the weights of a convolution of a batch, in two passes: pair writes the pixels of all windows and of
// all gradients as panels of pairs of pixels, multiply adds their products up, for some outputs and inputs at a time. The sum of a weight
// takes the pixels of the batch in order: there is nothing to merge, and bits do not depend on who does which part.
type largeGradWeights struct {
	kernels kernels
	geometry
	batch int
	pairs int // of pixels of all gradients
	tasks []weightsTask

	x  []float32 // [K*K*C/wideColumns][pairs][wideColumns]
	dy []float32 // [O/wideColumns][pairs][wideColumns]
}

// weightsTask is some outputs and inputs of a gradient.
type weightsTask struct{ o, outputs, c, inputs int }

const (
	gradOutputs  = 64  // of a task
	gradInputs   = 64  // of a task with windows
	gradColumns  = 256 // inputs of a task without
	pairsPerTask = 64
)

func newLargeGradWeights(k kernels, g geometry, batch int) *largeGradWeights {
	l := &largeGradWeights{kernels: k, geometry: g, batch: batch, pairs: (batch*g.OH*g.OW + 1) / 2}
	inputs := gradInputs
	if g.K == 1 {
		inputs = gradColumns
	}
	for o := 0; o < g.O; o += gradOutputs {
		for c := 0; c < g.C; c += inputs {
			l.tasks = append(l.tasks, weightsTask{o, min(gradOutputs, g.O-o), c, min(inputs, g.C-c)})
		}
	}
	return l
}

// room is the number of floats of x and dy.
func (l *largeGradWeights) room() (x, dy int) { return l.K * l.K * l.C * l.pairs, l.O * l.pairs }

func (l *largeGradWeights) pairTasks() int { return (l.pairs + pairsPerTask - 1) / pairsPerTask }

// workspace is the number of floats that multiply needs.
func (l *largeGradWeights) workspace() int {
	if l.K == 1 {
		return 0
	}
	return gradOutputs * gradInputs * l.K * l.K
}

// pair does one task of the first pass: x and dy are the values of all images, one after another, dy of bfloat16.
func (l *largeGradWeights) pair(task int, x []uint16, format format, dy, nothing []uint16) {
	first := task * pairsPerTask
	last := min(l.pairs, first+pairsPerTask)
	j := pairJob{panels: l.O / wideColumns, stride: l.pairs * wideColumns, step: 2 * l.O}
	if whole := min(last, l.batch*l.OH*l.OW/2); whole > first {
		j.dst, j.low, j.high, j.count = l.dy[first*wideColumns:], dy[2*first*l.O:], dy[(2*first+1)*l.O:], whole-first
		l.kernels.pairUp(&j, bfloat16)
		first = whole
	}
	if first < last { // a last pixel without another
		j.dst, j.low, j.high, j.count = l.dy[first*wideColumns:], dy[2*first*l.O:], nothing, 1
		l.kernels.pairUp(&j, bfloat16)
	}
	for tap := range l.K * l.K {
		l.pairWindows(tap, task*pairsPerTask, last, x, format, nothing)
	}
}

// pairWindows makes the pairs first to last of one tap of the windows, runs of them where they lie in a row of pixels.
func (l *largeGradWeights) pairWindows(tap, first, last int, x []uint16, format format, nothing []uint16) {
	j := pairJob{panels: l.C / wideColumns, stride: l.pairs * wideColumns}
	up := func(q, count int) { // pairs that are alike
		if count <= 0 {
			return
		}
		j.dst, j.low, j.high, j.step, j.count = l.x[tap*l.C*l.pairs+q*wideColumns:], nothing, nothing, 0, count
		low, high := l.source(2*q, tap), l.source(2*q+1, tap)
		if low >= 0 {
			j.low = x[low:]
		}
		if high >= 0 {
			j.high = x[high:]
		}
		if low >= 0 && high >= 0 {
			j.step = high + high - low - low
		}
		l.kernels.pairUp(&j, format)
	}
	for q := first; q < last; {
		if l.OW%2 == 1 {
			up(q, 1)
			q++
			continue
		}
		column := 2 * q % l.OW
		run := min(last-q, (l.OW-column)/2)
		low, high := inside(column*l.Stride-l.Pad+tap%l.K, l.Stride, 2*run, l.W)
		if y := 2*q/l.OW%l.OH*l.Stride - l.Pad + tap/l.K; y < 0 || y >= l.H || low == high {
			up(q, run)
		} else {
			up(q, low/2)
			up(q+low/2, low%2)
			up(q+(low+1)/2, high/2-(low+1)/2)
			up(q+high/2, high%2)
			up(q+(high+1)/2, run-(high+1)/2)
		}
		q += run
	}
}

// source is where an output pixel's window has a tap, -1 where there is nothing.
func (l *largeGradWeights) source(pixel, tap int) int {
	n, y, x := pixel/(l.OH*l.OW), pixel/l.OW%l.OH*l.Stride-l.Pad+tap/l.K, pixel%l.OW*l.Stride-l.Pad+tap%l.K
	if n >= l.batch || y < 0 || y >= l.H || x < 0 || x >= l.W {
		return -1
	}
	return ((n*l.H+y)*l.W + x) * l.C
}

// multiply does one task of the second pass: a part of the logical gradient [O, C, K, K].
func (l *largeGradWeights) multiply(t *weightsTask, gradient, work []float32) {
	taps := l.K * l.K
	row, c := taps*t.inputs, work
	if taps == 1 {
		row, c = l.C, gradient[t.o*l.C+t.c:]
	}
	for q := 0; q < l.pairs; q += wideSteps {
		steps := min(wideSteps, l.pairs-q)
		for at := 0; at < taps*t.inputs; at += wideColumns {
			tap, input := at/t.inputs, t.c+at%t.inputs
			b := l.x[(tap*l.C+input)*l.pairs+q*wideColumns:][:steps*wideColumns]
			for o := 0; o < t.outputs; o += wideColumns {
				l.kernels.panel(&panelJob{
					c: c[o*row+at:], a: l.dy[(t.o+o)*l.pairs+q*wideColumns:], b: b,
					rows: wideColumns, steps: steps, cRow: row, aRow: 1, aStep: wideColumns, add: q > 0,
				})
			}
		}
	}
	if taps == 1 {
		return
	}
	of := func(o int) []float32 { return gradient[((t.o+o)*l.C+t.c)*taps:][:row] }
	for o := range t.outputs {
		l.kernels.fetch(of(min(o+1, t.outputs-1)))
		joinTaps(of(o), c[o*row:][:row], taps)
	}
}

// joinTaps turns [taps][channels] into [channels][taps].
func joinTaps(dst, src []float32, taps int) {
	n := len(src) / taps
	if taps != 9 {
		for i, v := range src {
			dst[i%n*taps+i/n] = v
		}
		return
	}
	s0, s1, s2, s3, s4, s5, s6, s7, s8 := src[:n], src[n:][:n], src[2*n:][:n], src[3*n:][:n], src[4*n:][:n], src[5*n:][:n], src[6*n:][:n], src[7*n:][:n], src[8*n:][:n]
	for c := range s0 {
		d := (*[9]float32)(dst[c*9:])
		d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8] = s0[c], s1[c], s2[c], s3[c], s4[c], s5[c], s6[c], s7[c], s8[c]
	}
}

func (l *largeGradWeights) flops() float64 {
	return 2 * float64(l.OH*l.OW*l.K*l.K*l.C*l.O)
}
