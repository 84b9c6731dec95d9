package loss

import (
	"math"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

func init() { Register("sigmoid", func(Options) Loss { return sigmoid{} }) }

// sigmoid is the cross-entropy of C one-against-all classifiers, summed over the classes: sum_c softplus(z_c) - h_c z_c,
// Cui et al. 2019, section 4.2.
type sigmoid struct{}

// Head starts every classifier at probability 1 / C, so that the first steps are not spent on learning that most answers are
// no; a bias with such a start is not decayed.
func (sigmoid) Head(classes int) ops.Head {
	return ops.Head{BiasInit: -math.Log(float64(classes - 1))}
}

func (sigmoid) Build(in *Inputs) (*G.Node, error) {
	var f formula
	return f.rowSum(sigmoidTerms(&f, in.Logits, in.Target)), f.err
}

// sigmoidTerms are the cross-entropies softplus(z) - h z of the single classifiers, [N, C].
func sigmoidTerms(f *formula, z, h *G.Node) *G.Node {
	return f.sub(f.softplus(z), f.mul(h, z))
}
