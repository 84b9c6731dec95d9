//go:build gpu

package mmaconv

import "longtail/cuda/driver"

// TermKind says what a Term is; the values are those of kernels/source.h.
type TermKind int32

// The kinds of terms that these kernels know; kernels/source.h has the formulas.
const (
	None              TermKind = 0
	Tensor            TermKind = 1 // x
	Norm              TermKind = 2 // batch norm of x
	NormReLU          TermKind = 3 // the same, at least 0
	NormGradient      TermKind = 4 // the gradient of a batch norm's x from g
	Pool              TermKind = 5 // 2x2 averages of x, zero channels around
	Subsample         TermKind = 6 // every second pixel of x, zero channels around
	PoolGradient      TermKind = 7 // a quarter of x at half the size
	SubsampleGradient TermKind = 8 // x of half the size at even pixels
)

// Term is struct Term of kernels/source.h.
type Term struct {
	X, G, Moments, Gamma, Beta, Sums driver.Ptr
	Eps, Count, Scale                float32
	Kind                             TermKind
	Depth, Before                    int32
}

// Source is struct Source of kernels/source.h: relu(first + second) where mask > 0.
type Source struct {
	First, Second, Mask           Term
	ReLU, Height, Width, Channels int32
}

// StatisticsKind says what is summed; the values are those of kernels/statistics.h.
type StatisticsKind int32

// What is summed over the result by channel.
const (
	NoStatistics StatisticsKind = iota
	Moments                     // [2, C] mean and biased variance
	Sums                        // [2, C] factor * sum of g, factor * sum of g * xhat
)

// Statistics is struct Statistics of kernels/statistics.h. Parts holds PartsSize floats.
type Statistics struct {
	Raw, Moments, Parts, Ticket, Result driver.Ptr
	Eps, Factor                         float32
	Kind                                StatisticsKind
}

// Convolution is struct Convolution of kernels/conv.cu, with 16-bit weights [taps, in, out].
type Convolution struct {
	In, Out                                 Source
	Statistics                              Statistics
	Weights, Stored                         driver.Ptr
	Images, Inputs                          int32
	Window, Pad, Stride, Dilation, Backward int32
}

// ConvWeights is struct ConvWeights of kernels/conv_weights.cu. Parts is [slices, taps, in, out] floats.
type ConvWeights struct {
	X, Dy                               Source
	Parts                               driver.Ptr
	Images, Slices, Inputs, Pad, Stride int32
}

// PartsSize is the number of floats that Statistics.Parts needs for images and channels.
func PartsSize(images, channels int) int { return 2 * images * channels }
