package loss

import G "gorgonia.org/gorgonia"

func init() {
	Register("label_smoothing", func(o Options) Loss { return labelSmoothing{epsilon: o["epsilon"]} },
		Option{Name: "epsilon", Default: 0.1, Min: 0, Max: 1, Doc: "probability that is spread over all classes"})
}

// labelSmoothing is the cross-entropy with the target t' = (1 - epsilon) t + epsilon / C: sum_c t'_c (log sum_k e^z_k - z_c) (Szegedy
// et al. 2016, section 7).
type labelSmoothing struct {
	plainHead
	epsilon float64
}

func (l labelSmoothing) Build(in *Inputs) (*G.Node, error) {
	f, z := formula{}, in.Logits
	target := f.affine(in.Target, 1-l.epsilon, l.epsilon/float64(z.Shape()[1]))
	return f.crossEntropy(z, target), f.err
}
