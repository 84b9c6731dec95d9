package cpu

import "sync"

// weightPacker brings the weights of a large convolution into the panels of those who multiply by them, once a step.
type weightPacker struct {
	kernels       kernels
	values        func() []float32 // logical [O, C, K, K]
	in, out, taps int
	users         []*largeConv
}

// packRooms are blocks of weights in bfloat16, and one row in float32.
var packRooms = sync.Pool{New: func() any { return new([]float32) }}

// pack does the weights of wideColumns outputs from o on.
func (w *weightPacker) pack(o int) {
	room := packRooms.Get().(*[]float32)
	defer packRooms.Put(room)
	row := w.in * w.taps
	if need := row * (wideColumns/2 + 1); len(*room) < need {
		*room = make([]float32, need)
	}
	line, words := (*room)[:row], (*room)[row:][:row*wideColumns/2]
	block, weights := halves(words), w.values()[o*row:]
	for i := range wideColumns {
		sortTaps(line, weights[i*row:][:row], w.taps)
		w.kernels.compressRow(bfloat16, block[i*row:][:row], line)
	}
	for _, u := range w.users {
		for i := range u.direct.parts {
			if u.direct.backward {
				w.packBackward(u, &u.direct.parts[i], o, block)
			} else {
				w.packForward(&u.direct.parts[i], o, words)
			}
		}
	}
}

// sortTaps turns [channels][taps] into [taps][channels].
func sortTaps(dst, src []float32, taps int) {
	channels := len(dst) / taps
	if taps == 1 {
		copy(dst, src)
		return
	}
	if taps == 9 {
		sortNine(dst, src, channels)
		return
	}
	for i, v := range src {
		dst[i%taps*channels+i/taps] = v
	}
}

func sortNine(dst, src []float32, n int) {
	d0, d1, d2, d3, d4, d5, d6, d7, d8 := dst[:n], dst[n:][:n], dst[2*n:][:n], dst[3*n:][:n], dst[4*n:][:n], dst[5*n:][:n], dst[6*n:][:n], dst[7*n:][:n], dst[8*n:][:n]
	for c := range d0 {
		s := (*[9]float32)(src[c*9:])
		d0[c], d1[c], d2[c], d3[c], d4[c], d5[c], d6[c], d7[c], d8[c] = s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]
	}
}

// packForward makes the panel of outputs o and on: pairs of inputs, by output.
func (w *weightPacker) packForward(p *convPart, o int, words []float32) {
	pairs := w.taps * w.in / 2
	panel := p.panels[o*pairs:][:pairs*wideColumns]
	w.kernels.transpose(panel, words, pairs)
}

// packBackward writes pairs of the outputs o and on to the panels of inputs.
func (w *weightPacker) packBackward(u *largeConv, p *convPart, o int, block []uint16) {
	row, all := w.in*w.taps, p.tapsY*p.tapsX*w.out/2
	for tap := range p.tapsY * p.tapsX {
		ky, kx := p.firstY+tap/p.tapsX*p.step, p.firstX+tap%p.tapsX*p.step
		at := (ky*u.direct.window + kx) * w.in
		for i := 0; i < wideColumns; i += 2 {
			w.kernels.pairUp(&pairJob{
				dst: p.panels[(tap*w.out+o+i)/2*wideColumns:], low: block[i*row+at:], high: block[(i+1)*row+at:],
				panels: w.in / wideColumns, stride: all * wideColumns, count: 1,
			}, bfloat16)
		}
	}
}

// pairJob makes pairs of two rows: numbers of low and high, of a format, to pairs of bfloat16 in dst, wideColumns of them together, stride
// apart; then of the rows a step further, to the place behind.
type pairJob struct {
	dst       []float32
	low, high []uint16
	panels    int
	stride    int
	count     int // of pairs of rows
	step      int // numbers from one to the next in low and in high
}

func (j *pairJob) check() {
	n := j.panels*wideColumns + (j.count-1)*j.step
	_ = j.dst[(j.panels-1)*j.stride+j.count*wideColumns-1]
	_, _ = j.low[n-1], j.high[n-1]
}

func pairUpGeneric(j *pairJob, f format) {
	to := halves(j.dst)
	for pair := range j.count {
		low, high := j.low[pair*j.step:], j.high[pair*j.step:]
		for i := range j.panels * wideColumns {
			at := 2 * (i/wideColumns*j.stride + i%wideColumns + pair*wideColumns)
			to[at], to[at+1] = toBfloat16(f, low[i]), toBfloat16(f, high[i])
		}
	}
}

// transposeGeneric makes dst [row][wideColumns] of src [wideColumns][row].
func transposeGeneric(dst, src []float32, row int) {
	for i := range wideColumns {
		for k, v := range src[i*row:][:row] {
			dst[k*wideColumns+i] = v
		}
	}
}
