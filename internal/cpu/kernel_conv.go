package cpu

import "sync/atomic"

// The direct convolutions. In NHWC, one row of a window is contiguous: for a window row ky, the loop over (kx, c) runs over
// K*C neighbouring floats of the padded image. A tile is any tilePixels pixels of the output, whose windows start at as many
// addresses, and panelWidth output channels; weights are packed in panels [row of the window][kx, c][panelWidth], read
// from front to back.
const (
	tilePixels = 6  // with panelWidth 16 this makes 12 accumulators of 8 floats: enough to hide the latency of two FMA units
	panelWidth = 16 // output channels of a tile
)

// convolver computes one convolution, or the gradient of its input, for one image at a time.
type convolver interface {
	// pack takes the logical weights [O, C, K, K].
	pack(w []float32)
	// packed is the number of floats that pack keeps.
	packed() int
	// workspace is the number of floats that run needs.
	workspace() int
	// run writes the interior of dst from src, which has a border of zeros: of Pad pixels forward, of gradInputPad pixels for
	// the gradient of the input.
	run(dst, src view, work []float32, c *clock)
	// flops is the number of floating-point operations of an image's products.
	flops() float64
	// moves is the stage that reads src and writes dst.
	moves() stage
}

// newConv is the convolution with logical channel counts c and o.
func (k kernels) newConv(g geometry, c, o int) convolver {
	if fitsWinograd(g.K, g.Stride, g.Pad, g.OH, g.OW, g.C, g.O) {
		return &winoConv{kernels: k, in: g.C, out: g.O, direct: k.newDirect(g, c, o), pad: g.Pad, grid: newWinoGrid(g.OH, g.OW)}
	}
	return k.newDirect(g, c, o)
}

// newConvGradInput is the gradient of the input of a convolution with logical channel counts c and o: src has the shape of
// the convolution's output, dst of its input.
func (k kernels) newConvGradInput(g geometry, c, o int) convolver {
	if fitsWinograd(g.K, g.Stride, g.Pad, g.H, g.W, g.O, g.C) {
		w := winoConv{
			kernels: k, in: g.O, out: g.C, direct: k.newDirectGradInput(g, c, o), pad: g.K - 1 - g.Pad, grid: newWinoGrid(g.H, g.W),
		}
		if k.mixed {
			return &winoHalfConv{winoConv: w}
		}
		return &w
	}
	return k.newDirectGradInput(g, c, o)
}

// gradInputPad is the border that the gradient of a convolution's input wants around the gradient of its output.
func gradInputPad(window, stride, pad int) int {
	return max(0, (window-1-pad+stride-1)/stride)
}

// directConv is a sum of correlations that write different pixels of the output: one for a convolution; for the gradient of
// the input one for each phase of the stride, so that no zero is multiplied.
type directConv struct {
	kernels  kernels
	in, out  int // stored channels
	logical  [2]int
	backward bool // weights are indexed [in, out] and not [out, in]
	window   int
	parts    []convPart
}

// convPart computes the output pixels (toY + i*toStep, toX + j*toStep), i < rows, j < cols, from windows of tapsY x tapsX
// pixels that start at input pixel (fromY + i*fromStep, fromX + j*fromStep).
type convPart struct {
	rows, cols           int
	toY, toX, toStep     int
	fromY, fromX         int
	fromStep             int
	tapsY, tapsX         int
	firstY, firstX, step int // tap t is window element first + t*step

	panels []float32 // [out/panelWidth][tapsY][tapsX*in][panelWidth]
	tables atomic.Pointer[tileTable]
}

func (k kernels) newDirect(g geometry, c, o int) *directConv {
	return &directConv{kernels: k, in: g.C, out: g.O, logical: [2]int{c, o}, window: g.K, parts: []convPart{{
		rows: g.OH, cols: g.OW, toStep: 1,
		fromY: -g.Pad, fromX: -g.Pad, fromStep: g.Stride,
		tapsY: g.K, tapsX: g.K, step: 1,
	}}}
}

// newDirectGradInput: dx[y] = sum over ky of w[ky] dy[(y + Pad - ky) / Stride], where that division is exact. For the
// pixels y = phase + i*Stride these are the ky = (phase+Pad)%Stride + t*Stride, and the dy are neighbours.
func (k kernels) newDirectGradInput(g geometry, c, o int) *directConv {
	d := &directConv{kernels: k, in: g.O, out: g.C, logical: [2]int{o, c}, backward: true, window: g.K}
	d.parts = make([]convPart, g.Stride*g.Stride)
	for i := range d.parts {
		p := &d.parts[i]
		p.toY, p.toX, p.toStep, p.fromStep, p.step = i/g.Stride, i%g.Stride, g.Stride, 1, -g.Stride
		p.rows, p.tapsY, p.firstY, p.fromY = phase(g, g.H, p.toY)
		p.cols, p.tapsX, p.firstX, p.fromX = phase(g, g.W, p.toX)
	}
	return d
}

// phase describes one dimension, of the given size, of a part: how many pixels, how many taps, the first tap's window
// element, the first pixel's first input pixel.
func phase(g geometry, size, at int) (count, taps, first, from int) {
	count = max(0, (size-at+g.Stride-1)/g.Stride)
	least := (at + g.Pad) % g.Stride
	taps = max(0, (g.K-least+g.Stride-1)/g.Stride)
	first = least + (taps-1)*g.Stride
	from = (at+g.Pad-least)/g.Stride - (taps - 1)
	return count, taps, first, from
}

func (d *directConv) workspace() int { return 0 }

func (d *directConv) packed() (floats int) {
	for i := range d.parts {
		floats += d.panels() * d.perPanel(&d.parts[i])
	}
	return floats
}

// panels is the number of panels of a part.
func (d *directConv) panels() int { return (d.out + panelWidth - 1) / panelWidth }

// perPanel is the number of floats in a panel of a part.
func (d *directConv) perPanel(p *convPart) int { return p.tapsY * p.tapsX * d.in * panelWidth }

func (d *directConv) pack(w []float32) {
	for i := range d.parts {
		d.packPart(&d.parts[i], w)
	}
}

// packPart writes zeros where there is no logical channel.
func (d *directConv) packPart(p *convPart, w []float32) {
	count := d.perPanel(p)
	if p.panels == nil {
		p.panels = make([]float32, d.panels()*count)
	}
	area := d.window * d.window
	stepIn, stepOut := area, d.logical[0]*area
	if d.backward {
		stepIn, stepOut = d.logical[1]*area, area
	}
	for o := 0; o < d.logical[1]; o += panelWidth {
		panel, width := p.panels[o/panelWidth*count:], min(panelWidth, d.logical[1]-o)
		for c := range d.logical[0] { // the taps of a channel share cache lines of w
			for tap := range p.tapsY * p.tapsX {
				ky, kx := p.firstY+tap/p.tapsX*p.step, p.firstX+tap%p.tapsX*p.step
				from := w[o*stepOut+c*stepIn+ky*d.window+kx:]
				to := panel[(tap*d.in+c)*panelWidth:][:width]
				for i := range to {
					to[i] = from[i*stepOut]
				}
			}
		}
	}
}

func (d *directConv) flops() float64 {
	products := 0
	for i := range d.parts {
		p := &d.parts[i]
		products += p.rows * p.cols * p.tapsY * p.tapsX * d.in * d.out
	}
	return 2 * float64(products)
}

func (d *directConv) moves() stage { return stageProduct }

func (d *directConv) run(dst, src view, _ []float32, c *clock) {
	for i := range d.parts {
		p := &d.parts[i]
		if p.rows == 0 || p.cols == 0 {
			continue
		}
		t := p.table(d, dst.pitch, src.pitch)
		t.check(dst, src)
		count := p.tapsY * p.tapsX * d.in * panelWidth
		for o := 0; o < d.out; o += panelWidth {
			j := tileJob{
				dst: dst.data[dst.off+o:], src: src.data, origin: src.off, panel: p.panels[o/panelWidth*count:][:count],
				at: t.at, rows: p.tapsY, run: p.tapsX * d.in, pitch: src.pitch, width: min(panelWidth, d.out-o),
			}
			d.kernels.tiles(&j)
		}
	}
	c.lap(stageProduct)
}

// tileJob is one panel of output channels for all tiles of an image.
type tileJob struct {
	dst    []float32   // from the panel's first channel of pixel (0, 0) on
	src    []float32   // all of the image's memory
	origin int         // of pixel (0, 0) in src
	panel  []float32   // [rows][run][panelWidth]
	at     []tileStart // [tiles][tilePixels]
	rows   int         // of a window
	run    int         // floats in a row of a window
	pitch  int         // floats from one row of src to the next
	width  int         // channels to write: a full panel or less
}

// tileStart is a pixel of a tile: where its window starts in src, from the origin, and where its result goes in dst.
type tileStart struct{ src, dst int32 }

// tileTable lists the tiles of a part for one pair of pitches. The last tile repeats pixels of the one before, which then
// are written twice with the same bits.
type tileTable struct {
	dstPitch, srcPitch int
	at                 []tileStart
	dstEnd             int // one past the last float written, from dst.off on
	srcFirst, srcEnd   int // floats read, relative to src.off
}

// table makes the part's table when a pitch is new. Two threads may both do so; the tables are equal.
func (p *convPart) table(d *directConv, dstPitch, srcPitch int) *tileTable {
	if t := p.tables.Load(); t != nil && t.dstPitch == dstPitch && t.srcPitch == srcPitch {
		return t
	}
	t := &tileTable{dstPitch: dstPitch, srcPitch: srcPitch}
	pixels := p.rows * p.cols
	for i := 0; i < pixels; i += tilePixels {
		for j := range tilePixels {
			n := max(0, min(i, pixels-tilePixels)) + j
			n = min(n, pixels-1)
			y, x := n/p.cols, n%p.cols
			t.at = append(t.at, tileStart{
				src: int32((p.fromY+y*p.fromStep)*srcPitch + (p.fromX+x*p.fromStep)*d.in),
				dst: int32((p.toY+y*p.toStep)*dstPitch + (p.toX+x*p.toStep)*d.out),
			})
		}
	}
	last := t.at[len(t.at)-1]
	t.dstEnd = int(last.dst) + d.out
	t.srcFirst = int(t.at[0].src)
	t.srcEnd = int(last.src) + (p.tapsY-1)*srcPitch + p.tapsX*d.in
	if p.tapsY*p.tapsX == 0 {
		t.srcFirst, t.srcEnd = 0, 0
	}
	p.tables.Store(t)
	return t
}

// check panics where a view is too small for the table: the kernels themselves check nothing.
func (t *tileTable) check(dst, src view) {
	_ = dst.data[dst.off : dst.off+t.dstEnd]
	_ = src.data[src.off+t.srcFirst : src.off+t.srcEnd]
}
