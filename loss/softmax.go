package loss

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

func init() { Register("softmax", func(Options) Loss { return softmax{} }) }

// softmax is the cross-entropy of the softmax: w_y (log sum_c e^z_c - z_y), Cui et al. 2019, section 4.1.
type softmax struct{}

func (softmax) Head(int) ops.Head { return ops.Head{DecayBias: true} }

func (softmax) Build(in *Inputs) (*G.Node, error) {
	f, z, h := formula{}, in.Logits, in.Target
	terms := f.mul(h, f.sub(f.logSumExp(z), z))
	return weighted(&f, terms, in), f.err
}
