package cpu

// large reports whether a convolution runs over the whole batch in mixed precision: its channels are whole panels, and its weights are so
// many that reading them once for each image is slow. Winograd's way is faster while its transformed weights fit the second-level cache.
func (g geometry) large() bool {
	const few, winograd = 64 * 64, 128
	if g.C%wideColumns != 0 || g.O%wideColumns != 0 || g.C*g.O < few {
		return false
	}
	return max(g.C, g.O) > winograd || !fitsWinograd(g.K, g.Stride, g.Pad, g.OH, g.OW, g.C, g.O)
}

// largeConv is a convolution of a batch, or the gradient of its input: for each part of a directConv a product of windows, gathered in
// rows, and weights. Images, weights and results are numbers of two bytes, products are of bfloat16, sums in float32.
type largeConv struct {
	kernels  kernels
	direct   *directConv // its parts; their panels are [out/wideColumns][taps*in/2][wideColumns] pairs
	from, to area        // of an image
	batch    int
	tasks    []largeTask
	blocks   int // of rows, which moments are summed by
}

// largeTask is a block of rows of a part, by some columns.
type largeTask struct {
	part        *convPart
	block       int // number of the block of rows
	first, last int // rows: pixels of the part, image after image
	column, end int
}

const (
	largeRows    = 128       // of a task
	largeColumns = 256       // of a task
	largeFloats  = 128 << 10 // of a block of gathered rows, which should stay in the second-level cache
)

func newLargeConv(k kernels, direct *directConv, from, to area, batch int) *largeConv {
	l := &largeConv{kernels: k, direct: direct, from: from, to: to, batch: batch}
	for i := range direct.parts {
		p := &direct.parts[i]
		rows, step := batch*p.rows*p.cols, largeRows
		for step > wideRows && step*p.tapsY*p.tapsX*direct.in/2 > largeFloats {
			step /= 2
		}
		for first := 0; first < rows; first += step {
			for column := 0; column < direct.out; column += largeColumns {
				l.tasks = append(l.tasks, largeTask{p, l.blocks, first, min(rows, first+step), column, min(direct.out, column+largeColumns)})
			}
			l.blocks++
		}
	}
	return l
}

// pairs is the number of pairs in a gathered row.
func (l *largeConv) pairs(p *convPart) int { return p.tapsY * p.tapsX * l.direct.in / 2 }

// workspace is the number of floats that a task needs.
func (l *largeConv) workspace() (floats int) {
	for i := range l.tasks {
		t := &l.tasks[i]
		rows := roundTo(t.last-t.first, wideRows)
		floats = max(floats, rows*(oddLines(l.pairs(t.part))+t.end-t.column))
	}
	return floats
}

func roundTo(n, to int) int { return (n + to - 1) / to * to }

// run does a task. Values of images lie one after another in from, of format, and to.
func (l *largeConv) run(t *largeTask, to []uint16, toFormat format, from []uint16, format format, work []float32) (result []float32) {
	p, rows, columns := t.part, t.last-t.first, t.end-t.column
	pairs := l.pairs(p)
	row := oddLines(pairs)
	a := work[:roundTo(rows, wideRows)*row]
	c := work[len(a):][:roundTo(rows, wideRows)*columns]
	if pairs == 0 {
		clear(c)
	} else {
		l.gather(t, halves(a), 2*row, from, format)
	}
	for k := 0; k < pairs; k += wideSteps {
		steps := min(wideSteps, pairs-k)
		for o := 0; o < columns; o += wideColumns {
			l.kernels.panel(&panelJob{
				c: c[o:], a: a[k:], b: p.panels[((t.column+o)*pairs + k*wideColumns):][:steps*wideColumns],
				rows: roundTo(rows, wideRows), steps: steps, cRow: columns, aRow: row, aStep: 1, add: k > 0,
			})
		}
	}
	l.scatter(t, to, toFormat, c)
	return c[:rows*columns]
}

// scatter rounds the results of a task.
func (l *largeConv) scatter(t *largeTask, to []uint16, format format, c []float32) {
	p, columns := t.part, t.end-t.column
	if p.toStep == 1 && columns == l.direct.out {
		rows := t.last - t.first
		l.kernels.compressRow(format, to[t.first*columns:][:rows*columns], c[:rows*columns])
		return
	}
	for r := t.first; r < t.last; r++ {
		n, y, x := p.pixel(r)
		at := ((n*l.to.h+p.toY+y*p.toStep)*l.to.w+p.toX+x*p.toStep)*l.to.c + t.column
		l.kernels.compressRow(format, to[at:][:columns], c[(r-t.first)*columns:][:columns])
	}
}

// pixel is the image and the place in the part of a row.
func (p *convPart) pixel(row int) (n, y, x int) {
	return row / (p.rows * p.cols), row / p.cols % p.rows, row % p.cols
}

// gather writes the windows of a task's rows, as bfloat16, pitch apart.
func (l *largeConv) gather(t *largeTask, a []uint16, pitch int, from []uint16, format format) {
	p, in := t.part, l.direct.in
	for r := t.first; r < t.last; {
		n, y, x := p.pixel(r)
		run := min(p.cols-x, t.last-r) // rows of the part's pixels side by side
		for ty := range p.tapsY {
			fromY := p.fromY + y*p.fromStep + ty
			for tx := range p.tapsX {
				first := p.fromX + x*p.fromStep + tx // column of the first of the run
				dst := a[(r-t.first)*pitch+(ty*p.tapsX+tx)*in:]
				low, high := inside(first, p.fromStep, run, l.from.w)
				if fromY < 0 || fromY >= l.from.h {
					low, high = run, run
				}
				zeros(dst, pitch, in, 0, low)
				if low < high {
					src := from[((n*l.from.h+fromY)*l.from.w+first+low*p.fromStep)*in:]
					l.kernels.moveRows(&moveJob{
						dst: dst[low*pitch:], src: src, n: in, rows: high - low, dstPitch: pitch, srcPitch: p.fromStep * in,
					}, format)
				}
				zeros(dst, pitch, in, high, run)
			}
		}
		r += run
	}
}

// inside is the range of i below count for which first + i*step lies in [0, size).
func inside(first, step, count, size int) (low, high int) {
	if first < 0 {
		low = min(count, (-first+step-1)/step)
	}
	high = low
	if last := size - 1 - first; last >= 0 {
		high = max(low, min(count, last/step+1))
	}
	return low, high
}

// zeros clears n numbers of rows low to high.
func zeros(dst []uint16, pitch, n, low, high int) {
	for i := low; i < high; i++ {
		clear(dst[i*pitch:][:n])
	}
}

// moveJob copies rows of n numbers of two bytes, whole vectors of 32, to bfloat16.
type moveJob struct {
	dst, src           []uint16
	n, rows            int
	dstPitch, srcPitch int
}

func (j *moveJob) check() {
	_ = j.dst[(j.rows-1)*j.dstPitch+j.n-1]
	_ = j.src[(j.rows-1)*j.srcPitch+j.n-1]
}

func moveGeneric(j *moveJob, f format) {
	for r := range j.rows {
		for i, h := range j.src[r*j.srcPitch:][:j.n] {
			j.dst[r*j.dstPitch+i] = toBfloat16(f, h)
		}
	}
}

// toBfloat16 turns a number of a format into bfloat16.
func toBfloat16(f format, h uint16) uint16 {
	if f == float16 {
		return toHalf(fromFloat16(h))
	}
	return h
}
