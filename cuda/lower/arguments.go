package lower

import "longtail/internal/plan"

// The structs below are the parameters of the kernels, field by field: see the .cu and .h files of their names for what the fields mean. The
// tag access says how a kernel uses what a field points to.

// TermKind says what a Term is; the values are those of kernels/source.h, which has the formulas.
type TermKind int32

// The kinds of terms.
const (
	TermNone              TermKind = iota
	TermTensor                     // x
	TermNorm                       // batch norm of x
	TermNormReLU                   // the same, at least 0
	TermNormGradient               // the gradient of a batch norm's x from g
	TermPool                       // 2x2 averages of x, zero channels around
	TermSubsample                  // every second pixel of x, zero channels around
	TermPoolGradient               // a quarter of x at half the size
	TermSubsampleGradient          // x of half the size at even pixels
	TermAverageGradient            // x [N, C] in fp32, scaled, at every pixel
)

// Term is struct Term of kernels/source.h.
type Term struct {
	X, G, Moments, Gamma, Beta, Sums Ref
	Eps, Count, Scale                float32
	Kind                             TermKind
	Depth, Before                    int32
}

// Source is struct Source of kernels/source.h: relu(first + second) where mask > 0, of images [N, Height, Width, Channels].
type Source struct {
	First, Second, Mask           Term
	ReLU, Height, Width, Channels int32
}

// StatisticsKind says what is summed; the values are those of kernels/statistics.h.
type StatisticsKind int32

// What is summed over a batch by channel.
const (
	StatisticsNone    StatisticsKind = iota
	StatisticsMoments                // [2, C] mean and biased variance
	StatisticsSums                   // [2, C] factor * sum of g, factor * sum of g * xhat
)

// Statistics is struct Statistics of kernels/statistics.h. Parts holds PartsSize floats.
type Statistics struct {
	Raw, Moments Ref
	Parts        Ref `access:"write"`
	Ticket       Ref `access:"update"`
	Result       Ref `access:"write"`
	Eps, Factor  float32
	Kind         StatisticsKind
}

// PartsSize is the number of floats that Statistics.Parts needs for so many blocks.
func PartsSize(blocks, channels int) int { return blocks * (2*channels + 1) }

// Convolution is struct Convolution of kernels/conv.cu and kernels/mma_conv.h, where the weights are the fp16 copy.
type Convolution struct {
	In, Out                                 Source
	Statistics                              Statistics
	Weights                                 Ref
	Stored                                  Ref `access:"write"`
	Images, Inputs                          int32
	Window, Pad, Stride, Dilation, Backward int32
}

// ConvWeights is struct ConvWeights of kernels/conv_weights.cu and kernels/mma_weights.h. Parts is [slices, K, K, I, O] floats.
type ConvWeights struct {
	X, Dy                               Source
	Parts                               Ref `access:"write"`
	Images, Slices, Inputs, Pad, Stride int32
}

// General is struct General of kernels/general_layer.h; Weights are the fp16 copy on tensor cores.
type General struct {
	X, Y, Weights                                       Ref
	Result                                              Ref `access:"write"`
	Images, High, Wide, Channels, YHigh, YWide, Outputs int32
	Inputs, Window, Stride, Pad, Slices                 int32
}

// MaxPool is struct MaxPool of kernels/max_pool.cu.
type MaxPool struct {
	X, Dy                                      Ref
	Result                                     Ref `access:"write"`
	Images, High, Wide, Channels, YHigh, YWide int32
	Window, Stride, Pad                        int32
}

// Dense is struct Dense of kernels/head.cu: weights [classes, features], bias, result [N, classes].
type Dense struct {
	W, B    Ref
	Y       Ref `access:"write"`
	Classes int32
}

// Draw is struct Draw of kernels/images.cu.
type Draw struct {
	Pixels, Labels, Control                          Ref
	Images                                           Ref `access:"write"`
	Target                                           Ref `access:"write"`
	BatchLabels                                      Ref `access:"write"`
	Seed                                             uint64
	Batch, Samples, Classes, Channels, Height, Width int32
	Augment                                          int32
	Purpose                                          uint32
	RepeatsFrom, Hole                                int32
	Scale, Shift                                     [4]float32
	Outside                                          float32
	Second, First                                    Ref `access:"write"`
	Stride                                           int32
	Resized                                          plan.Resized
	Ring                                             int32
}

// Rows is struct Rows of kernels/rows.cu. Code is a table of RowCode, Ports of RowInput, RowOutput and, for means, RowInput. Stride is OrderStride
// of a program that counts metrics, Memory null where registers are in shared memory.
type Rows struct {
	Code, Ports                          Ref
	Instructions, Inputs, Outputs, Means int32
	Rows, Classes, Registers, Stride     int32
	Logits, Labels                       Ref
	Losses, Memory                       Ref `access:"write"`
	Control, Ticket                      Ref `access:"update"`
}

// RowCode is struct RowCode of kernels/rows.cu.
type RowCode struct {
	Operation, To, A, B int32
	Wide, AWide, BWide  int32
	X, Y                float32
}

// RowInput is struct RowPort of kernels/rows.cu, of a value that is loaded, or of Sum numbers that are added up.
type RowInput struct {
	Values                         Ref
	Register, Wide, PerColumn, Sum int32
}

// RowOutput is a RowPort of a value that is stored.
type RowOutput struct {
	Values                         Ref `access:"write"`
	Register, Wide, PerColumn, Sum int32
}

// Segment is struct Segment of kernels/update.cu.
type Segment struct {
	W, V        Ref `access:"update"`
	G           Ref `access:"write"`
	Parts       Ref
	Copy        Ref `access:"write"`
	N, Slices   int32
	Factor      float32
	DecayFactor float32 // weight decay; of running moments count / (count - 1)
}

// Portion is struct Portion of kernels/update.cu.
type Portion struct{ Segment, Begin int32 }

// The parameters of each kernel.
type (
	// ImagesParameters are those of images_*.
	ImagesParameters struct{ Draw Draw }

	// PointwiseParameters are those of pointwise_* and wide_pointwise_*.
	PointwiseParameters struct {
		Source Source
		Images int32
		To     Ref `access:"write"`
	}

	// StatisticsParameters are those of statistics_* and wide_statistics_*; To is null where the source is not stored.
	StatisticsParameters struct {
		Source     Source
		Statistics Statistics
		Images     int32
		To         Ref `access:"write"`
	}

	// ConvolutionParameters are those of conv* and of the tensor-core convolutions in one direction; Joined is where the input's values are
	// stored too, or null.
	ConvolutionParameters struct {
		Convolution Convolution
		Joined      Ref `access:"write"`
	}

	// ConvWeightsParameters are those of conv_weights* and mma_*_weights.
	ConvWeightsParameters struct{ Weights ConvWeights }

	// GradientsParameters are those of mma_*_gradients.
	GradientsParameters struct {
		Input   Convolution
		Weights ConvWeights
	}

	// AverageParameters are those of average_*; To is null where the source is not stored, Dense.Y where no dense layer follows.
	AverageParameters struct {
		Source   Source
		To       Ref `access:"write"`
		Features Ref `access:"write"`
		Dense    Dense
	}

	// DenseParameters are those of dense.
	DenseParameters struct {
		X        Ref
		Dense    Dense
		Features int32
	}

	// GeneralParameters are those of general_conv* and general_mma_*.
	GeneralParameters struct{ General General }

	// MaxPoolParameters are those of max_pool*.
	MaxPoolParameters struct{ MaxPool MaxPool }

	// WideAverageParameters are those of wide_average_*; To is null where the source is not stored.
	WideAverageParameters struct {
		Source       Source
		To, Features Ref `access:"write"`
	}

	// WideDenseParameters are those of wide_dense.
	WideDenseParameters struct {
		X, W, B           Ref
		Y                 Ref `access:"write"`
		Features, Classes int32
	}

	// DenseGradientsParameters are those of dense_gradients; a gradient that is not wanted is null.
	DenseGradientsParameters struct {
		X, W, Dy                  Ref
		Dx, Dw, Db                Ref `access:"write"`
		Images, Features, Classes int32
	}

	// RowsParameters are those of rows and rows_in_memory.
	RowsParameters struct{ Rows Rows }

	// RowsTogetherParameters are those of rows_together and rows_together_in_memory: tables of Rows and of the block that each begins at.
	RowsTogetherParameters struct {
		Programs, First Ref
		Count           int32
	}

	// UpdateParameters are those of update. Segments is a table of Segment, Portions of Portion.
	UpdateParameters struct {
		Segments, Portions Ref
		Control, Ticket    Ref `access:"update"`
		Momentum, Keep     float32
		Nesterov           int32
	}

	// AdvanceParameters are those of advance.
	AdvanceParameters struct {
		Control Ref `access:"update"`
	}
)

// toInt is a bool as kernels take it.
func toInt(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
