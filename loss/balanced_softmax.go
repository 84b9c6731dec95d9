package loss

import G "gorgonia.org/gorgonia"

func init() { Register("balanced_softmax", func(Options) Loss { return balancedSoftmax{} }) }

// balancedSoftmax is the cross-entropy of a_c = z_c + log n_c (Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition",
// NeurIPS 2020, equation 4). The logarithms are an input of the program.
type balancedSoftmax struct{ plainHead }

func (balancedSoftmax) Build(in *Inputs) (*G.Node, error) {
	var f formula
	return f.crossEntropy(f.add(in.Logits, in.PerClass("log_counts", logCounts(in.counts()))), in.Target), f.err
}
