package loss

import (
	"math"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

func init() {
	Register("seesaw", func(o Options) Loss { return seesaw{p: o["p"], q: o["q"]} },
		Option{Name: "p", Default: 0.8, Min: 0, Max: 100, Doc: "exponent of the mitigation by counts"},
		Option{Name: "q", Default: 2, Min: 0, Max: 100, Doc: "exponent of the compensation by scores"})
}

// seesaw is the cross-entropy of a_c = z_c + min(0, p log(n_c / n_y)) + max(0, q log(P_c / max(P_y, 0.01))), P = softmax(z): the first
// term relieves rare classes of the gradients of frequent ones, the second one adds what is misclassified (Wang et al., "Seesaw Loss for
// Long-Tailed Instance Segmentation", CVPR 2021, equations 3 to 6). What is added to z_c is a constant in the gradient. Here n are the
// numbers of training images, an input of the program; in the paper they grow during training.
type seesaw struct {
	plainHead
	p, q float64
}

// leastScore bounds P_y from below.
const leastScore = 0.01

func (l seesaw) Build(in *Inputs) (*G.Node, error) {
	f, z, t := formula{}, in.Logits, in.Target
	counts := in.PerClass("log_counts", logCounts(in.counts()))
	more := f.sub(f.ofLabel(t, counts), counts) // log(n_y / n_c)
	mitigation := f.scale(f.positive(f.scale(more, l.p)), -1)
	scores := f.sub(z, f.logSumExp(z)) // log P
	floor := math.Log(leastScore)
	own := f.affine(f.positive(f.affine(f.ofLabel(t, scores), 1, -floor)), 1, floor) // log max(P_y, 0.01)
	compensation := f.positive(f.scale(f.sub(scores, own), l.q))
	constant := f.unary(ops.Detach, f.add(mitigation, compensation))
	return f.crossEntropy(f.add(z, constant), t), f.err
}
