package loss

import G "gorgonia.org/gorgonia"

func init() { Register("cdt", func(o Options) Loss { return cdt{gamma: o["gamma"]} }, temperature) }

// temperature is the option of the losses that multiply logits by a power of the class's size.
var temperature = Option{Name: "gamma", Default: 0.3, Min: 0, Max: 100, Short: "g", Doc: "exponent of the classes' relative sizes"}

// cdt is the cross-entropy of a_c = z_c (n_c / max n)^gamma: class-dependent temperatures (Ye et al., "Identifying and Compensating for
// Feature Deviation in Imbalanced Deep Learning", 2020, equations 5 and 6). The factors are an input of the program.
type cdt struct {
	plainHead
	gamma float64
}

func (l cdt) Build(in *Inputs) (*G.Node, error) {
	var f formula
	return f.crossEntropy(f.mul(in.Logits, in.PerClass("temperatures", temperatures(in.counts(), l.gamma))), in.Target), f.err
}
