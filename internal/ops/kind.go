package ops

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// Kind names an operation.
type Kind int

// The kinds. What each computes stands at the function that makes it.
const (
	KindNone Kind = iota

	KindConv
	KindConvGradInput
	KindConvGradWeights

	KindMoments
	KindNormalize
	KindNormalizeSums
	KindNormalizeGradInput
	KindRow

	KindReLU
	KindReLUGrad
	KindAdd

	KindShortcutPool
	KindShortcutPoolGrad
	KindShortcutSubsample
	KindShortcutSubsampleGrad
	KindMaxPool
	KindMaxPoolGrad
	KindGlobalAverage
	KindGlobalAverageGrad

	KindDense
	KindDenseGradInput
	KindDenseGradWeights
	KindDenseGradBias
	KindBatchSum

	// From here on: pieces that losses are made of. They work on the rows of [N, C] alone and compile to row programs.
	KindAffine
	KindExp
	KindLog
	KindSoftplus
	KindSigmoid
	KindPower
	KindDetach
	KindRowAdd
	KindSub
	KindMul
	KindDiv
	KindGreaterEqual
	KindRowSum
	KindRowMax
	KindLogSumExp
	KindSpread
	KindBatchMean
	KindBatchMeanGrad

	kindEnd
)

// String is the kind's name.
func (k Kind) String() string {
	if k <= KindNone || k >= kindEnd {
		return fmt.Sprintf("kind %d", int(k))
	}
	return definitions[k].name
}

// IsRow reports whether the operation is one of the pieces that losses are made of.
func (k Kind) IsRow() bool { return k >= KindAffine && k < kindEnd }

// IsReduction reports whether the operation sums over the samples of a batch, so that its result is known only when all of them
// were seen.
func (k Kind) IsReduction() bool {
	switch k {
	case KindMoments, KindNormalizeSums, KindConvGradWeights, KindDenseGradWeights, KindDenseGradBias, KindBatchSum, KindBatchMean:
		return true
	}
	return false
}

// Of gives the operation of a node as ours: false for a variable, and for operations that are Gorgonia's own.
func Of(n *G.Node) (Op, bool) {
	o, ok := n.Op().(*op)
	return o, ok
}

// NewAdd is the element-wise sum as a bare operation, or as a piece of a loss: what plans put in place of Gorgonia's own
// accumulation of gradients.
func NewAdd(n *G.Node, row bool) Op {
	s := n.Shape().Clone()
	k := KindAdd
	if row {
		k = KindRowAdd
	}
	return &op{kind: k, in: shapes{s, s}, out: s}
}

// definitions says of every kind what it is. The families refer to it through apply, so it is filled at start.
var definitions [kindEnd]definition

func init() {
	for _, family := range []map[Kind]definition{convolution, normalization, pointwise, pooling, maxPooling, dense, rowUnary, rowBinary, rowReduction} {
		for k, d := range family {
			definitions[k] = d
		}
	}
}
