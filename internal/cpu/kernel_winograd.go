package cpu

// Winograd's minimal filtering F(4x4, 3x3): a tile of 4x4 outputs of a 3x3 convolution takes 36 products of transformed
// inputs and weights in place of 144 (Lavin and Gray 2016, equation 8): Y = A^T [(G g G^T) * (B^T d B)] A. The gradient of the
// weights has the same transforms, transposed: dg = G^T [sum over tiles of (B^T d B) * (A dy A^T)] G.
//
// The polynomials are taken at 0, a, -a, b, -b and infinity. With a = 3/4 and b = 3/2, the root mean square error of a layer is
// about two times that of the direct float32 sum, a third of that with the usual 1 and 2; both are exact in binary.
const (
	winoA = 0.75
	winoB = 1.5

	winoTile   = 4            // side of a tile of outputs
	winoWindow = winoTile + 2 // side of its inputs, and of its transform
	winoPoints = winoWindow * winoWindow
)

// winoFactors are the numbers in G, whose rows are (1, p, p^2) over the product of p's differences to the other points: 1
// over that product for 0, a and b; a and b over theirs; a^2 and b^2 over theirs.
var winoFactors = func() [7]float32 {
	const a, b = winoA, winoB
	const nA, nB = 2 * a * a * (a*a - b*b), 2 * b * b * (b*b - a*a)
	return [7]float32{1 / (a * a * b * b), 1 / nA, 1 / nB, a / nA, b / nB, a * a / nA, b * b / nB}
}()

// fitsWinograd reports whether a stride 1 convolution of images [h, w, in] to [oh, ow, out] has whole tiles, enough of them, and
// whole panels.
func fitsWinograd(window, stride, pad, oh, ow, in, out int) bool {
	return window == 3 && stride == 1 && pad <= 2 && oh%winoTile == 0 && ow%winoTile == 0 && oh*ow >= gemmRows*winoTile*winoTile &&
		in%panelWidth == 0 && out%panelWidth == 0
}

// winoConv is a convolution, or the gradient of one's input, of [in] to [out] channels.
type winoConv struct {
	kernels kernels
	in, out int         // stored channels
	direct  *directConv // whose panels are transformed
	pad     int
	grid    winoGrid
	weights []float32 // [winoPoints] x [out/panelWidth][in][panelWidth], weightStride apart
}

// winoGrid is how an image of outputs is cut into tiles; strip rows of tiles are done at a time, so that their transforms
// stay in the cache.
type winoGrid struct{ rows, cols, strip int }

func newWinoGrid(h, w int) winoGrid {
	g := winoGrid{rows: h / winoTile, cols: w / winoTile}
	g.strip = g.rows
	for g.strip > 1 && g.strip%2 == 0 && g.strip*g.cols > winoStripTiles {
		g.strip /= 2
	}
	return g
}

// winoStripTiles: 16 tiles of 16 channels are 36 KB transformed.
const winoStripTiles = 64

func (g winoGrid) tiles() int { return g.strip * g.cols }

// stride is the number of floats from one point of a strip's transform to the next: an odd number of cache lines, since at a
// power of two all points of a tile would fall into the same few places of the cache.
func (g winoGrid) stride(channels int) int {
	return oddLines(g.tiles() * channels)
}

// oddLines is the least odd number of cache lines that holds so many floats, in floats.
func oddLines(floats int) int {
	const line = 16
	return ((floats+line-1)/line | 1) * line
}

func (w *winoConv) weightStride() int { return oddLines(w.in * w.out) }

func (w *winoConv) workspace() int { return winoPoints * (w.grid.stride(w.in) + w.grid.stride(w.out)) }

func (w *winoConv) packed() int { return w.direct.packed() + winoPoints*w.weightStride() }

func (w *winoConv) pack(weights []float32) {
	w.direct.pack(weights)
	if w.weights == nil {
		w.weights = make([]float32, winoPoints*w.weightStride())
	}
	w.kernels.winoWeights(&winoWeightJob{
		panels: w.direct.parts[0].panels, points: w.weights, count: w.out / panelWidth, tap: w.in * panelWidth, stride: w.weightStride(),
		factors: winoFactors,
	})
}

func (w *winoConv) flops() float64 {
	return 2 * float64(winoPoints*w.grid.rows*w.grid.cols*w.in*w.out)
}

func (w *winoConv) moves() stage { return stageTransform }

func (w *winoConv) run(dst, src view, work []float32, c *clock) {
	strideIn, strideOut := w.grid.stride(w.in), w.grid.stride(w.out)
	inputs, outputs := work[:winoPoints*strideIn], work[winoPoints*strideIn:][:winoPoints*strideOut]
	src = src.from(-w.pad, -w.pad, w.in)
	for y := 0; y < w.grid.rows; y += w.grid.strip {
		from, to := src.from(y*winoTile, 0, w.in), dst.from(y*winoTile, 0, w.out)
		w.kernels.winoInput(w.grid.job(from, winoWindow, inputs, strideIn, w.in))
		c.lap(stageTransform)
		w.kernels.multiply(&gemmJob{
			dst: outputs, a: inputs, b: w.weights, batch: winoPoints, rows: w.grid.tiles(), inner: w.in, cols: w.out,
			dstStride: strideOut, aStride: strideIn, bStride: w.weightStride(),
		})
		c.lap(stageProduct)
		output := w.grid.job(to, winoTile, outputs, strideOut, w.out)
		output.far = to.far
		w.kernels.winoOutput(output)
		c.lap(stageTransform)
	}
}

// winoJob transforms between one strip of an image and [winoPoints][tiles][channels].
type winoJob struct {
	image      []float32 // from the first pixel of the first tile on
	points     []float32
	pitch      int // floats from row to row of the image
	stride     int // floats from point to point
	channels   int
	rows, cols int        // tiles
	far        bool       // the image is
	factors    [6]float32 // of the transform, for the assembly
}

// job describes a strip whose tiles take side x side pixels of the image, winoTile apart; its points lie stride apart.
func (g winoGrid) job(image view, side int, points []float32, stride, channels int) winoJob {
	height, width := (g.strip-1)*winoTile+side, (g.cols-1)*winoTile+side
	const a, b = winoA, winoB
	factors := [6]float32{a, b, a * a, b * b, a * a * a, b * b * b}
	if side == winoWindow {
		factors = [6]float32{a * a * b * b, a*a + b*b, a * a, b * b, a, b}
	}
	return winoJob{
		image: image.rows(height, width*channels), points: points,
		pitch: image.pitch, stride: stride, channels: channels, rows: g.strip, cols: g.cols, factors: factors,
	}
}

// winoWeightJob transforms [count][9][tap] weights to [winoPoints][count][tap].
type winoWeightJob struct {
	panels, points []float32
	count          int // panels
	tap            int // floats of one window element in a panel
	stride         int // floats from point to point
	factors        [7]float32
}

// gemmJob is a batch of matrix products dst [batch][rows][cols] = a [batch][rows][inner] b, with b in panels
// [cols/panelWidth][inner][panelWidth].
type gemmJob struct {
	dst, a, b                []float32
	batch, rows, inner, cols int
	dstStride                int // floats from matrix to matrix
	aStride, bStride         int
}

// gemmRows is the least number of rows.
const gemmRows = 4
