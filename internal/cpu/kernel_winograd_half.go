package cpu

// winoHalfConv is a winoConv with products of bfloat16.
type winoHalfConv struct {
	winoConv
	pairs []float32 // [winoPoints] x [out/panelWidth][in/2][panelWidth] pairs, pairStride apart
}

func (w *winoHalfConv) pairStride() int { return oddLines(w.in / 2 * w.out) }

func (w *winoHalfConv) packed() int { return w.winoConv.packed() + winoPoints*w.pairStride() }

func (w *winoHalfConv) pack(weights []float32) {
	w.winoConv.pack(weights)
	if w.pairs == nil {
		w.pairs = make([]float32, winoPoints*w.pairStride())
	}
	for p := range winoPoints {
		w.kernels.pairRows(w.pairs[p*w.pairStride():], w.weights[p*w.weightStride():], w.in*w.out/panelWidth)
	}
}

func (w *winoHalfConv) workspace() int {
	return winoPoints * (w.grid.stride(w.in/2) + w.grid.stride(w.out))
}

func (w *winoHalfConv) run(dst, src view, work []float32, on *clock) {
	strideIn, strideOut := w.grid.stride(w.in/2), w.grid.stride(w.out)
	inputs, outputs := work[:winoPoints*strideIn], work[winoPoints*strideIn:][:winoPoints*strideOut]
	src = src.from(-w.pad, -w.pad, w.in)
	for y := 0; y < w.grid.rows; y += w.grid.strip {
		from, to := src.from(y*winoTile, 0, w.in), dst.from(y*winoTile, 0, w.out)
		w.kernels.winoInputHalf(w.grid.job(from, winoWindow, inputs, strideIn, w.in))
		on.lap(stageTransform)
		w.kernels.multiplyHalf(&gemmJob{
			dst: outputs, a: inputs, b: w.pairs, batch: winoPoints, rows: w.grid.tiles(), inner: w.in / 2, cols: w.out,
			dstStride: strideOut, aStride: strideIn, bStride: w.pairStride(),
		})
		on.lap(stageProduct)
		w.kernels.winoOutput(w.grid.job(to, winoTile, outputs, strideOut, w.out))
		on.lap(stageTransform)
	}
}

// winoHalfGradWeights is a winoGradWeights with products of bfloat16. The points of several images of a chunk lie side by side, so that
// their products are folded together.
type winoHalfGradWeights struct {
	winoGradWeights
	group int // images
}

// fitsPairs reports whether two neighbouring tiles can make pairs everywhere.
func (g winoGrid) fitsPairs() bool { return g.cols%2 == 0 }

func (k kernels) newWinoHalfGradWeights(w winoGradWeights) *winoHalfGradWeights {
	group := 1
	if w.grid.strip == w.grid.rows {
		group = max(1, min(imagesPerChunk, winoStripTiles/w.grid.tiles()))
	}
	return &winoHalfGradWeights{w, group}
}

// stride is the number of pairs from one point to the next.
func (w *winoHalfGradWeights) stride(channels int) int {
	return oddLines(w.group * w.grid.tiles() / 2 * channels)
}

func (w *winoHalfGradWeights) kept() bool { return w.group > 1 }

func (w *winoHalfGradWeights) workspace() int {
	return winoBlock + winoPoints*(w.stride(w.C)+w.stride(w.O))
}

func (w *winoHalfGradWeights) run(sum []float32, x, dy view, work []float32, at turn, on *clock) {
	block, work := work[:winoBlock], work[winoBlock:]
	strideX, strideY := w.stride(w.C), w.stride(w.O)
	inputs, grads := work[:winoPoints*strideX], work[winoPoints*strideX:][:winoPoints*strideY]
	pairs := w.grid.tiles() / 2
	slot := at.index % w.group
	x = x.from(-w.Pad, -w.Pad, w.C)
	for y := 0; y < w.grid.rows; y += w.grid.strip {
		from, grad := x.from(y*winoTile, 0, w.C), dy.from(y*winoTile, 0, w.O)
		w.kernels.winoInputPairs(w.grid.job(from, winoWindow, inputs[slot*pairs*w.C:], strideX, w.C))
		w.kernels.winoGradPairs(w.grid.job(grad, winoTile, grads[slot*pairs*w.O:], strideY, w.O))
		on.lap(stageTransform)
		if slot == w.group-1 || at.last {
			w.blocks(sum, &winoBlockJob{
				x: inputs, dy: grads, block: block, tiles: (slot + 1) * pairs,
				xStep: w.C, dyStep: w.O, xStride: strideX, dyStride: strideY, tap: w.C * panelWidth, factors: winoFactors,
			}, w.kernels.winoBlockHalf)
		}
		on.lap(stageProduct)
	}
}
