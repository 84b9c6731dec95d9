package cpu

// weightGradient computes the gradient of a convolution's weights, added up image by image in a layout of its own.
type weightGradient interface {
	// size is the number of floats in a sum.
	size() int
	// workspace is the number of floats that run needs.
	workspace() int
	// kept reports whether the workspace must keep what an image of a chunk leaves for the next ones.
	kept() bool
	// run adds one image to sum, or keeps it until the chunk's last one: x with a border of Pad zeros, dy with any or none.
	run(sum []float32, x, dy view, work []float32, at turn, c *clock)
	// flops is the number of floating-point operations of an image's products.
	flops() float64
	// moves is the stage that reads x and dy.
	moves() stage
	// unpack turns a sum into the logical gradient [O, C, K, K].
	unpack(dst, sum []float32)
}

// newConvGradWeights is the gradient of the weights of a convolution with logical channel counts c and o.
func (k kernels) newConvGradWeights(g geometry, c, o int) weightGradient {
	direct := directGradWeights{k, g, c, o}
	if fitsWinograd(g.K, g.Stride, g.Pad, g.OH, g.OW, g.C, g.O) {
		w := winoGradWeights{direct, newWinoGrid(g.OH, g.OW)}
		if k.mixed && w.grid.fitsPairs() {
			return k.newWinoHalfGradWeights(w)
		}
		return &w
	}
	return &direct
}

// gradStem divides the rows of weights that a 7x7 window of images has.
const gradStem = 14

// turn is an image's place in the chunk of images whose sums are one.
type turn struct {
	index int
	last  bool
}

// directGradWeights keeps its sums as the panels of the direct convolution: [O/panelWidth][K][K*C][panelWidth]. For one ky
// the K*C rows of a panel belong to neighbouring floats of the padded image, so a tile of tilePixels such rows loops over
// the pixels with one address.
type directGradWeights struct {
	kernels kernels
	geometry
	c, o int // logical channels
}

func (d *directGradWeights) size() int {
	return (d.O + panelWidth - 1) / panelWidth * d.K * d.K * d.C * panelWidth
}

func (d *directGradWeights) kept() bool { return false }

func (d *directGradWeights) workspace() int { return 0 }

// gradRows is how many rows of the output one pass over the weights takes: their pixels should stay in the first-level
// cache, which holds 8192 floats, while all rows of weights go by.
func (d *directGradWeights) gradRows() int {
	const budget = 6144
	return max(1, budget/(d.OW*(min(d.O, panelWidth)+d.Stride*d.Stride*d.C)))
}

func (d *directGradWeights) flops() float64 { return 2 * float64(d.OH*d.OW*d.K*d.K*d.C*d.O) }

func (d *directGradWeights) moves() stage { return stageProduct }

func (d *directGradWeights) run(sum []float32, x, dy view, _ []float32, _ turn, c *clock) {
	run, step := d.K*d.C, d.gradRows()
	x = x.from(-d.Pad, -d.Pad, d.C)
	for y := 0; y < d.OH; y += step {
		rows := min(step, d.OH-y)
		for o := 0; o < d.O; o += panelWidth {
			width := min(panelWidth, d.O-o)
			for ky := range d.K {
				from, grad := x.from(y*d.Stride+ky, 0, d.C), dy.from(y, 0, d.O)
				grad.off += o
				j := gradJob{
					sum: sum[(o/panelWidth*d.K+ky)*run*panelWidth:][:run*panelWidth],
					x:   from.rows((rows-1)*d.Stride+1, (d.OW-1)*d.Stride*d.C+run), dy: grad.rows(rows, (d.OW-1)*d.O+width),
					rows: rows, cols: d.OW, run: run, width: width,
					xStep: d.Stride * d.C, xPitch: d.Stride * x.pitch, dyStep: d.O, dyPitch: dy.pitch,
				}
				d.kernels.gradTiles(&j)
			}
		}
	}
	c.lap(stageProduct)
}

// gradJob adds sum[i][o] += x[pixel][i] * dy[pixel][o] for i < run, o < width over rows x cols pixels.
type gradJob struct {
	sum, x, dy      []float32
	rows, cols      int
	run, width      int
	xStep, xPitch   int // floats from pixel to pixel and row to row
	dyStep, dyPitch int
}

func (d *directGradWeights) unpack(dst, sum []float32) {
	area := d.K * d.K
	for o := range d.o {
		panel := sum[o/panelWidth*area*d.C*panelWidth+o%panelWidth:]
		for tap := range area {
			for c := range d.c {
				dst[(o*d.c+c)*area+tap] = panel[(tap*d.C+c)*panelWidth]
			}
		}
	}
}
