//go:build gpu

package cuda

import (
	"longtail/cuda/driver"
	"longtail/cuda/mmaconv"
	"longtail/internal/plan"
)

// The structs below are the parameters of the kernels: see the .cu and .h files of their names for what the fields mean.

type termKind = mmaconv.TermKind

const (
	termNone              = mmaconv.None
	termPlain             = mmaconv.Tensor
	termNorm              = mmaconv.Norm
	termNormReLU          = mmaconv.NormReLU
	termNormGradient      = mmaconv.NormGradient
	termPool              = mmaconv.Pool
	termSubsample         = mmaconv.Subsample
	termPoolGradient      = mmaconv.PoolGradient
	termSubsampleGradient = mmaconv.SubsampleGradient
	termAverageGradient   = termKind(9)
)

type (
	termArgument        = mmaconv.Term
	sourceArgument      = mmaconv.Source
	statisticsArgument  = mmaconv.Statistics
	statisticsKind      = mmaconv.StatisticsKind
	convArgument        = mmaconv.Convolution
	convWeightsArgument = mmaconv.ConvWeights
)

const (
	statisticsMoments = mmaconv.Moments
	statisticsSums    = mmaconv.Sums
)

type drawArgument struct {
	Pixels, Labels, Control, Images, Target, BatchLabels driver.Ptr
	Seed                                                 uint64
	Batch, Samples, Classes, Channels, Height, Width     int32
	Augment                                              int32
	Purpose                                              uint32
}

type segmentArgument struct {
	W, V, G, Parts, Copy driver.Ptr
	N, Slices            int32
	Factor, Decay        float32
}

type denseArgument struct {
	W, B, Y driver.Ptr
	Classes int32
}

type rowCodeArgument struct {
	Operation, To, A, B int32
	Wide, AWide, BWide  int32
	X, Y                float32
}

type rowPortArgument struct {
	Values                    driver.Ptr
	Reg, Wide, PerClass, Mean int32
}

type rowsArgument struct {
	Code, Ports                                driver.Ptr
	Instructions, Inputs, Outputs, Means       int32
	Rows, Classes, Registers, Metrics          int32
	Logits, Labels, Losses, Confusion, Control driver.Ptr
	Ticket                                     driver.Ptr
}

// controlBytes is the size of struct Control.
const controlBytes = 48

// launch is one kernel of a step. Its arguments are made once the memory has been placed.
type launch struct {
	kernel    string
	module    string // the .cu file that it is in
	why       string // the steps that it does, for messages and for people who look
	grid      driver.Dim
	threads   int
	shared    int
	arguments func() []any
}

// operand is a term whose memory is not placed yet.
type operand struct {
	kind                             termKind
	x, g, moments, gamma, beta, sums ref
	eps, count, scale                float32
	depth, before                    int
}

func (o *operand) refs() []ref { return []ref{o.x, o.g, o.moments, o.gamma, o.beta, o.sums} }

func (o *operand) argument() termArgument {
	return termArgument{
		X: o.x.ptr(), G: o.g.ptr(), Moments: o.moments.ptr(), Gamma: o.gamma.ptr(), Beta: o.beta.ptr(), Sums: o.sums.ptr(),
		Eps: o.eps, Count: o.count, Scale: o.scale, Kind: o.kind, Depth: int32(o.depth), Before: int32(o.before),
	}
}

// extent is the shape of an activation, batch left out.
type extent struct{ h, w, c int }

func (e extent) size() int { return e.h * e.w * e.c }

// source is relu(first + second) where mask > 0, not stored yet. conv, if not nil, is a convolution not launched yet whose result takes
// the place of the first term.
type source struct {
	extent
	first, second, mask operand
	relu                bool
	conv                *convolution
}

func (s *source) refs() []ref {
	return append(append(s.first.refs(), s.second.refs()...), s.mask.refs()...)
}

func (s *source) argument() sourceArgument {
	a := sourceArgument{First: s.first.argument(), Second: s.second.argument(), Mask: s.mask.argument(), Height: int32(s.h), Width: int32(s.w), Channels: int32(s.c)}
	if s.relu {
		a.ReLU = 1
	}
	return a
}

// isTensor says whether the source is a stored tensor as it is.
func (s *source) isTensor() bool {
	return s.conv == nil && s.first.kind == termPlain && s.second.kind == termNone && s.mask.kind == termNone && !s.relu
}

// isTerm says whether the source is its first term alone.
func (s *source) isTerm() bool {
	return s.conv == nil && s.second.kind == termNone && s.mask.kind == termNone && !s.relu
}

// statistics is a sum over a source that its kernel makes on the way.
type statistics struct {
	kind                        statisticsKind
	raw, moments, parts, result ref
	ticket                      ref
	eps, factor                 float32
}

func (q *statistics) refs() []ref { return []ref{q.raw, q.moments, q.parts, q.result} }

func (q *statistics) argument() statisticsArgument {
	return statisticsArgument{
		Raw: q.raw.ptr(), Moments: q.moments.ptr(), Parts: q.parts.ptr(), Ticket: q.ticket.ptr(), Result: q.result.ptr(),
		Eps: q.eps, Factor: q.factor, Kind: q.kind,
	}
}

// convolution is one that is launched when it is known what its epilogue can do.
type convolution struct {
	in                            source
	joined                        ref // where in is stored as well
	weights                       *tensorInStore
	inputs                        int
	backward                      bool
	gradient                      plan.ValueID // backward: the gradient of the result
	window, pad, stride, dilation int

	tensor *mmaconv.Shape // for tensor cores
}
