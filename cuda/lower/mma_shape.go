package lower

import (
	"fmt"
	"slices"
)

// MMAShape is a convolution of images [Side, Side, In], padded by Window / 2.
type MMAShape struct {
	In, Out int // channels; 3 in for the first layer, whose images are stored with 4
	Side    int // of the images that the convolution reads forward
	Stride  int
	Window  int // 3, or 1 for a projection
}

// mmaKernels are the names of the kernels by shape, without their direction.
var mmaKernels = map[MMAShape]string{
	{3, 16, 32, 1, 3}:  "mma_stem",
	{16, 16, 32, 1, 3}: "mma_conv_16",
	{16, 32, 32, 2, 3}: "mma_conv_16_32",
	{32, 32, 16, 1, 3}: "mma_conv_32",
	{32, 64, 16, 2, 3}: "mma_conv_32_64",
	{64, 64, 8, 1, 3}:  "mma_conv_64",
	{16, 32, 32, 2, 1}: "mma_project_16_32",
	{32, 64, 16, 2, 1}: "mma_project_32_64",
}

// MMAShapes are all that there are kernels for, from the image's side down.
func MMAShapes() []MMAShape {
	var all []MMAShape
	for s := range mmaKernels {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b MMAShape) int {
		return slices.Compare([]int{b.Side, a.In, a.Out, b.Window}, []int{a.Side, b.In, b.Out, a.Window})
	})
	return all
}

// Supported reports whether there are kernels for the shape.
func (s MMAShape) Supported() bool { return mmaKernels[s] != "" }

// String is the shape in words.
func (s MMAShape) String() string {
	return fmt.Sprintf("a %dx%d convolution with stride %d of %d to %d channels on %dx%d pixels", s.Window, s.Window, s.Stride, s.In, s.Out, s.Side, s.Side)
}

// stem reports whether the shape is the first layer's: 27 rows of weights, made 32 for the products.
func (s MMAShape) stem() bool { return s.In == 3 }

// ResultSide is the side of the convolution's result.
func (s MMAShape) ResultSide() int { return s.Side / s.Stride }

// GradientSide is the side of what Backward stores. A projection's gradient is that of every second pixel of every second row alone: as a
// term it is a TermSubsampleGradient with Depth In and Before 0.
func (s MMAShape) GradientSide() int {
	if s.Window == 1 {
		return s.Side / s.Stride
	}
	return s.Side
}

// Products is the number of mma.m16n8k16 of one pass for one image, the same for all three passes.
func (s MMAShape) Products() int {
	pixels, rows := s.ResultSide()*s.ResultSide(), s.Window*s.Window*s.In
	return pixels / 16 * (s.Out / 8) * CeilDiv(rows, 16)
}

const (
	mmaThreads = 256
	mmaWarps   = mmaThreads / 32

	stemDepth     = 32          // rows of the first layer's weights in shared memory
	stemRawHalves = 34 * 34 * 4 // its image with a border
)

// pitch is the halves that a row of so many channels takes in shared memory (kernels/mma_tile.h).
func pitch(channels int) int { return channels + 8 }

// line is the bytes of a batch norm's coefficients (kernels/mma_prologue.h).
func line(channels int) int { return 3 * 4 * channels }

// shared is the dynamic shared memory of a kernel that needs so many bytes. With its static memory it may exceed the 48 KB that need no
// leave; leave is given for dynamic memory beyond 48 KB.
func shared(bytes, static int) int {
	const free = 48 << 10
	if bytes > free-static && bytes <= free {
		return free + 16
	}
	return bytes
}

// weightRows are the rows of the weights in shared memory.
func (s MMAShape) weightRows() int {
	if s.stem() {
		return stemDepth
	}
	return s.Window * s.Window * s.In
}

// resultBytes is the size of a convolution's result, and of the sums behind it.
func resultBytes(side, channels int) int {
	return 2*side*side*pitch(channels) + 4*(2*mmaWarps+1)*channels
}

// inputHalves is the size of the tile of x: the image with its border of zeros.
func (s MMAShape) inputHalves() int {
	switch {
	case s.stem():
		return s.Side * s.Side * pitch(stemDepth)
	case s.Window == 1:
		return s.ResultSide() * s.ResultSide() * pitch(s.In)
	}
	return (s.Side + 2) * (s.Side + 2) * pitch(s.In)
}

// convolutionStatic is at least the static shared memory, in bytes, of every kernel with a convolution; those of weights alone have none.
const convolutionStatic = 3584

// launch is one of the shape's kernels, whose name ends so, with so many bytes of dynamic shared memory and at most so many of static.
func (s MMAShape) launch(suffix, module string, grid Dim, bytes, static int) Launch {
	return Launch{
		Kernel: mmaKernels[s] + suffix, Module: module, Grid: grid, Threads: mmaThreads, Shared: shared(bytes, static), Static: static,
	}
}

// Forward is the launch of the convolution; its arguments are ConvolutionParameters.
func (s MMAShape) Forward(images int) Launch {
	side := s.ResultSide()
	halves := s.inputHalves() + s.weightRows()*pitch(s.Out)
	if s.stem() {
		halves += stemRawHalves
	}
	return s.launch("", "mma_forward", Dim{images, 1, 1}, max(2*halves, resultBytes(side, s.Out)), convolutionStatic)
}

// Backward is the launch of the gradient of the convolution's input; its arguments are as Forward's. The first layer has none.
func (s MMAShape) Backward(images int) Launch {
	border := 2
	switch {
	case s.Window == 1:
		border = 0
	case s.Stride == 2:
		border = 1
	}
	side, result := s.ResultSide()+border, s.GradientSide()
	halves := side*side*pitch(s.Out) + s.weightRows()*pitch(s.Out)
	return s.launch("_back", "mma_backward", Dim{images, 1, 1}, max(2*halves, resultBytes(result, s.In)), convolutionStatic)
}

// mostSlices of the images: enough blocks for a GPU, few enough that the slices' sums, written and read again, stay small beside the
// activations of a batch of 128 (at most 37 KB an image in stages 1 and 2, 74 KB in stage 3).
var mostSlices = map[int]int{16: 128, 32: 64, 64: 32}

// Slices is how many partial sums the gradient of the weights comes in: a part of the arithmetic, so it depends on nothing but sizes.
func (s MMAShape) Slices(images int) int { return min(images, mostSlices[s.Out]) }

// Weights is the launch of the gradient of the weights, in Slices parts; its arguments are ConvWeightsParameters.
func (s MMAShape) Weights(images int) Launch {
	side, input, rows, taps := s.ResultSide(), s.inputHalves(), s.In, s.Window*s.Window
	if s.stem() {
		input, rows, taps = s.Side*s.Side*stemDepth, stemDepth, 1
	}
	tiles := 2 * (input + side*side*16)
	tiles *= min(max(75<<10/tiles, 1), 4) // images at once
	sums := mmaWarps * taps * 16 * 16 * 4
	return s.launch("_weights", "mma_weights", Dim{s.Slices(images), s.Out / 16, 1}, max(tiles+line(s.Out)+line(rows), sums), 0)
}

// Gradients is the launch of Backward and Weights together, of all but the first layer; its arguments are
// GradientsParameters, of at most as many slices as images.
func (s MMAShape) Gradients(images, slices int) Launch {
	input, weights := s.Backward(images), s.Weights(images)
	return s.launch("_gradients", "mma_gradients", Dim{slices, CeilDiv(images, slices) + s.Out/16, 1}, max(input.Shared, weights.Shared), convolutionStatic)
}
