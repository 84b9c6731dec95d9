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

// winoG turns 3 weights into 6: row p is (1, p, p^2) over the product of the differences to the other points.
var winoG = func() (g [winoWindow][3]float64) {
	const a, b = winoA, winoB
	g[0][0] = 1 / (a * a * b * b)
	for i, p := range []float64{a, -a, b, -b} {
		others := a*a + b*b - p*p
		n := 2 * p * p * (p*p - others)
		g[i+1] = [3]float64{1 / n, p / n, p * p / n}
	}
	g[5][2] = 1
	return g
}()

// fitsWinograd says whether a stride 1 convolution of images [h, w, in] to [oh, ow, out] has whole tiles, enough of them, and
// whole panels.
func fitsWinograd(window, stride, pad, oh, ow, in, out int) bool {
	return window == 3 && stride == 1 && pad <= 2 && oh%winoTile == 0 && ow%winoTile == 0 && oh*ow >= gemmRows*winoTile*winoTile &&
		in%panelWidth == 0 && out%panelWidth == 0
}

// winoConv is a convolution, or the gradient of one's input, of [in] to [out] channels.
type winoConv struct {
	kernels  kernels
	in, out  int    // stored channels
	logical  [2]int // the same, logical
	backward bool   // weights are indexed [in, out] and turned by half a turn
	pad      int
	grid     winoGrid
	weights  []float32 // [winoPoints][out/panelWidth][in][panelWidth]
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
	const line = 16
	return ((g.tiles()*channels+line-1)/line | 1) * line
}

func (w *winoConv) workspace() int { return winoPoints * (w.grid.stride(w.in) + w.grid.stride(w.out)) }

// pack transforms the weights in float64.
func (w *winoConv) pack(weights []float32) {
	panels := w.out / panelWidth
	if w.weights == nil {
		w.weights = make([]float32, winoPoints*w.in*w.out)
	}
	for o := range w.logical[1] {
		for c := range w.logical[0] {
			u := w.transformed(weights, c, o)
			to := w.weights[(o/panelWidth*w.in+c)*panelWidth+o%panelWidth:]
			for i, v := range u {
				to[i*panels*w.in*panelWidth] = float32(v)
			}
		}
	}
}

// transformed is G g G^T for the window from input channel c to output channel o.
func (w *winoConv) transformed(weights []float32, c, o int) (u [winoPoints]float64) {
	window := weights[(o*w.logical[0]+c)*9:]
	if w.backward {
		window = weights[(c*w.logical[1]+o)*9:]
	}
	var half [winoWindow][3]float64 // G g
	for i := range winoWindow {
		for k := range 9 {
			at := k
			if w.backward {
				at = 8 - k
			}
			half[i][k%3] += winoG[i][k/3] * float64(window[at])
		}
	}
	for i := range u {
		for k := range 3 {
			u[i] += half[i/winoWindow][k] * winoG[i%winoWindow][k]
		}
	}
	return u
}

func (w *winoConv) run(dst, src view, work []float32) {
	strideIn, strideOut := w.grid.stride(w.in), w.grid.stride(w.out)
	inputs, outputs := work[:winoPoints*strideIn], work[winoPoints*strideIn:][:winoPoints*strideOut]
	src = src.from(-w.pad, -w.pad, w.in)
	for y := 0; y < w.grid.rows; y += w.grid.strip {
		from, to := src.from(y*winoTile, 0, w.in), dst.from(y*winoTile, 0, w.out)
		w.kernels.winoInput(w.grid.job(from, winoWindow, inputs, w.in))
		w.kernels.multiply(&gemmJob{
			dst: outputs, a: inputs, b: w.weights, batch: winoPoints, rows: w.grid.tiles(), inner: w.in, cols: w.out,
			dstStride: strideOut, aStride: strideIn,
		})
		w.kernels.winoOutput(w.grid.job(to, winoTile, outputs, w.out))
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
	factors    [6]float32 // of the transform, for the assembly
}

// job describes a strip whose tiles take side x side pixels of the image, winoTile apart.
func (g winoGrid) job(image view, side int, points []float32, channels int) winoJob {
	height, width := (g.strip-1)*winoTile+side, (g.cols-1)*winoTile+side
	const a, b = winoA, winoB
	factors := [6]float32{a, b, a * a, b * b, a * a * a, b * b * b}
	if side == winoWindow {
		factors = [6]float32{a * a * b * b, a*a + b*b, a * a, b * b, a, b}
	}
	return winoJob{
		image: image.rows(height, width*channels), points: points[:winoPoints*g.stride(channels)],
		pitch: image.pitch, stride: g.stride(channels), channels: channels, rows: g.strip, cols: g.cols, factors: factors,
	}
}

// gemmJob is a batch of matrix products dst [batch][rows][cols] = a [batch][rows][inner] b, with b in panels
// [batch][cols/panelWidth][inner][panelWidth].
type gemmJob struct {
	dst, a, b                []float32
	batch, rows, inner, cols int
	dstStride, aStride       int // floats from matrix to matrix
}

// gemmRows is the least number of rows.
const gemmRows = 4

// winoGradWeights is the gradient of the weights; its sums are [winoPoints][O/panelWidth][C][panelWidth].
type winoGradWeights struct {
	kernels kernels
	geometry
	c, o int // logical channels
	grid winoGrid
}

func (w *winoGradWeights) size() int { return winoPoints * w.C * w.O }

func (w *winoGradWeights) workspace() int {
	return winoPoints * (w.grid.stride(w.C) + w.grid.stride(w.O))
}

func (w *winoGradWeights) run(sum []float32, x, dy view, work []float32) {
	tiles := w.grid.tiles()
	strideX, strideY := w.grid.stride(w.C), w.grid.stride(w.O)
	inputs, grads := work[:winoPoints*strideX], work[winoPoints*strideX:][:winoPoints*strideY]
	x = x.from(-w.Pad, -w.Pad, w.C)
	for y := 0; y < w.grid.rows; y += w.grid.strip {
		from, grad := x.from(y*winoTile, 0, w.C), dy.from(y*winoTile, 0, w.O)
		w.kernels.winoInput(w.grid.job(from, winoWindow, inputs, w.C))
		w.kernels.winoGrad(w.grid.job(grad, winoTile, grads, w.O))
		for p := range winoPoints {
			for o := 0; o < w.O; o += panelWidth {
				w.kernels.gradTiles(&gradJob{
					sum: sum[(p*w.O+o)*w.C:][:w.C*panelWidth], x: inputs[p*strideX:][:tiles*w.C], dy: grads[p*strideY:][o : tiles*w.O],
					rows: 1, cols: tiles, run: w.C, width: panelWidth, xStep: w.C, dyStep: w.O,
				})
			}
		}
	}
}

// unpack computes G^T s G for each window.
func (w *winoGradWeights) unpack(dst, sum []float32) {
	for o := range w.o {
		for c := range w.c {
			from := sum[(o/panelWidth*w.C+c)*panelWidth+o%panelWidth:]
			var half [3][winoWindow]float64 // G^T s
			for i := range winoPoints {
				s := float64(from[i*w.C*w.O])
				for k := range 3 {
					half[k][i%winoWindow] += winoG[i/winoWindow][k] * s
				}
			}
			for k := range 9 {
				v := 0.0
				for i, h := range half[k/3] {
					v += h * winoG[i][k%3]
				}
				dst[(o*w.c+c)*9+k] = float32(v)
			}
		}
	}
}
