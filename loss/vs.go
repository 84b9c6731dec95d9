package loss

import G "gorgonia.org/gorgonia"

func init() {
	Register("vs", func(o Options) Loss { return vectorScaling{gamma: o["gamma"], tau: o["tau"]} }, temperature, adjustment)
}

// vectorScaling is the cross-entropy of a_c = z_c (n_c / max n)^gamma + tau log(n_c / sum n) (Kini et al., "Label-Imbalanced and
// Group-Sensitive Classification under Overparameterization", NeurIPS 2021, equation 2). Factors and priors are inputs of the program.
type vectorScaling struct {
	plainHead
	gamma, tau float64
}

func (l vectorScaling) Build(in *Inputs) (*G.Node, error) {
	var f formula
	scaled := f.mul(in.Logits, in.PerClass("temperatures", temperatures(in.counts(), l.gamma)))
	return f.crossEntropy(f.add(scaled, in.PerClass("log_priors", logPriors(in.counts(), l.tau))), in.Target), f.err
}
