package cpu

// winoGradWeights is the gradient of the weights by Winograd's transforms. Its sums lie as those of the direct kernel, so that
// they are small; each image's points are folded into them block by block, while the block is in the cache.
type winoGradWeights struct {
	directGradWeights
	grid winoGrid
}

const (
	winoRows  = 8                                         // input channels of a block at most
	winoBlock = winoPoints*winoRows*panelWidth + 18*lanes // floats of a block: its points, and room to fold one vector
)

func (w *winoGradWeights) workspace() int {
	return winoBlock + winoPoints*(w.grid.stride(w.C)+w.grid.stride(w.O))
}

func (w *winoGradWeights) flops() float64 {
	return 2 * float64(winoPoints*w.grid.rows*w.grid.cols*w.C*w.O)
}

func (w *winoGradWeights) moves() stage { return stageTransform }

func (w *winoGradWeights) run(sum []float32, x, dy view, work []float32, _ turn, on *clock) {
	block, work := work[:winoBlock], work[winoBlock:]
	strideX, strideY := w.grid.stride(w.C), w.grid.stride(w.O)
	inputs, grads := work[:winoPoints*strideX], work[winoPoints*strideX:][:winoPoints*strideY]
	x = x.from(-w.Pad, -w.Pad, w.C)
	for y := 0; y < w.grid.rows; y += w.grid.strip {
		from, grad := x.from(y*winoTile, 0, w.C), dy.from(y*winoTile, 0, w.O)
		w.kernels.winoInput(w.grid.job(from, winoWindow, inputs, strideX, w.C))
		w.kernels.winoGrad(w.grid.job(grad, winoTile, grads, strideY, w.O))
		on.lap(stageTransform)
		w.blocks(sum, &winoBlockJob{
			x: inputs, dy: grads, block: block, tiles: w.grid.tiles(),
			xStep: w.C, dyStep: w.O, xStride: strideX, dyStride: strideY, tap: w.C * panelWidth, factors: winoFactors,
		}, w.kernels.winoBlock)
		on.lap(stageProduct)
	}
}

// blocks runs a kernel for every block of channels of a job for all of them.
func (w *winoGradWeights) blocks(sum []float32, all *winoBlockJob, kernel func(*winoBlockJob)) {
	j := *all
	for o := 0; o < w.O; o += panelWidth {
		for c := 0; c < w.C; c += j.rows {
			j.rows = w.kernels.winoRowsOf(w.C - c)
			j.sum, j.x, j.dy = sum[o*9*w.C+c*panelWidth:], all.x[c:], all.dy[o:]
			kernel(&j)
		}
	}
}

// winoRowsOf is the size of the next block when so many channels are left: 8 with the registers of AVX-512, else 6 where 6 and 4 can
// make up the rest.
func (k kernels) winoRowsOf(left int) int {
	switch {
	case k.avx512:
		return winoRows
	case left == 4 || left == 8:
		return 4
	}
	return 6
}

// winoBlockJob adds, to the weights' gradient of a block of rows x panelWidth channels, what one strip of tiles gives.
type winoBlockJob struct {
	sum               []float32 // from the block's first row on; window elements are tap floats apart
	x, dy             []float32 // points, from the block's first channels on
	block             []float32 // [winoBlock] room
	tiles, rows       int
	xStep, dyStep     int // floats from tile to tile
	xStride, dyStride int // floats from point to point
	tap               int
	factors           [7]float32
}
