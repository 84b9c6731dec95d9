package loss

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// A loss of one's own is one file: this one is the focal loss of the softmax with smoothed labels. All tests of this package
// that go over Names take it in.
func init() {
	Register("smooth-softmax-focal", func(o Options) Loss { return smoothSoftmaxFocal{smoothing: .1, gamma: o["gamma"]} },
		Option{Name: "gamma", Default: 1, Min: 0, Max: 100})
}

// smoothSoftmaxFocal is sum_c q_c (1 - p_c)^gamma (-log p_c) with p the softmax and q = (1 - smoothing) h + smoothing / C.
type smoothSoftmaxFocal struct{ smoothing, gamma float64 }

func (smoothSoftmaxFocal) Head(int) ops.Head { return ops.Head{DecayBias: true} }

func (l smoothSoftmaxFocal) Build(in *Inputs) (*G.Node, error) {
	f, z, h := formula{}, in.Logits, in.Target
	surprise := f.sub(f.logSumExp(z), z) // -log p
	classes := float64(z.Shape()[1])
	q := f.unary(func(h *G.Node) (*G.Node, error) { return ops.Affine(h, 1-l.smoothing, l.smoothing/classes) }, h)
	terms := f.mul(q, surprise)
	if l.gamma > 0 {
		p := f.exp(f.scale(surprise, -1))
		// the added 1e-6 keeps the logarithm of 1 - p finite where p rounds to 1
		rest := f.unary(func(p *G.Node) (*G.Node, error) { return ops.Affine(p, -1, 1+1e-6) }, p)
		terms = f.mul(terms, f.unary(func(x *G.Node) (*G.Node, error) { return ops.Power(x, l.gamma) }, rest))
	}
	return f.rowSum(terms), f.err
}
