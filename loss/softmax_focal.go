package loss

import G "gorgonia.org/gorgonia"

func init() {
	Register("softmax_focal", func(o Options) Loss { return softmaxFocal{gamma: o["gamma"]} }, focusing)
}

// softmaxFocal is the focal loss of the softmax: (1 - p)^gamma (-log p), with p the probability of the label (Lin et al. 2017, equation
// 4, on the softmax).
type softmaxFocal struct {
	plainHead
	gamma float64
}

// Build uses the margin u = z_y - log sum_{c != y} e^z_c: -log p = softplus(-u) and -log(1 - p) = softplus(u), so that nothing cancels
// and the gradient is finite where that of the power is not (p near 1 and gamma < 1).
func (l softmaxFocal) Build(in *Inputs) (*G.Node, error) {
	f, z, h := formula{}, in.Logits, in.Target
	others := f.logSumExp(f.sub(z, f.scale(h, excluded)))
	u := f.sub(f.ofLabel(h, z), others)
	terms := f.softplus(f.scale(u, -1))
	if l.gamma > 0 {
		terms = f.mul(terms, f.exp(f.scale(f.softplus(u), -l.gamma)))
	}
	return terms, f.err
}
