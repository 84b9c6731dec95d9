package loss

import G "gorgonia.org/gorgonia"

func init() {
	Register("logit_adjustment", func(o Options) Loss { return logitAdjustment{tau: o["tau"]} }, adjustment)
}

// adjustment is the option of the losses that add log priors to the logits.
var adjustment = Option{Name: "tau", Default: 1, Min: 0, Max: 100, Doc: "factor of the log priors"}

// logitAdjustment is the cross-entropy of a_c = z_c + tau log(n_c / sum n) (Menon et al., "Long-Tail Learning via Logit Adjustment",
// ICLR 2021, equation 10). The priors are an input of the program.
type logitAdjustment struct {
	plainHead
	tau float64
}

func (l logitAdjustment) Build(in *Inputs) (*G.Node, error) {
	var f formula
	return f.crossEntropy(f.add(in.Logits, in.PerClass("log_priors", logPriors(in.counts(), l.tau))), in.Target), f.err
}
