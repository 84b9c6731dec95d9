package loss

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

func init() { Register("softmax", func(Options) Loss { return softmax{} }) }

// softmax is the cross-entropy of the softmax: log sum_c e^z_c - z_y, Cui et al. 2019, section 4.1.
type softmax struct{ plainHead }

func (softmax) Build(in *Inputs) (*G.Node, error) {
	var f formula
	return f.crossEntropy(in.Logits, in.Target), f.err
}

// plainHead is a dense layer whose bias starts at 0 and is decayed.
type plainHead struct{}

func (plainHead) Head(int) ops.Head { return ops.Head{DecayBias: true} }
