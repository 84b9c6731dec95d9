package adding

import (
	"longtail/internal/ops"
	"longtail/loss"

	G "gorgonia.org/gorgonia"
)

func init() {
	loss.Register("squared-hinge", func(o loss.Options) loss.Loss { return hinge{o["margin"]} },
		loss.Option{Name: "margin", Default: 1, Min: 0, Max: 10, Doc: "distance wanted from the boundary"})
}

// hinge is the squared hinge of C one-against-all classifiers, sum_c max(0, margin - s_c z_c)^2 with s = 1 for the true class and -1
// for the others. The margins are an input that the loss declares, so that they can be set for each class during a run.
type hinge struct{ margin float64 }

func (hinge) Head(int) ops.Head { return ops.Head{DecayBias: true} }

func (l hinge) Build(in *loss.Inputs) (*G.Node, error) {
	margins := make([]float64, in.Logits.Shape()[1])
	for c := range margins {
		margins[c] = l.margin
	}
	var f formula
	sign := f.do(ops.Affine(in.Target, 2, -1))
	short := f.do(ops.Sub(in.PerClass("hinge_margins", margins), f.do(ops.Mul(sign, in.Logits)))) // margin - s z
	zero := f.do(ops.Affine(short, 0, 0))
	missing := f.do(ops.Mul(short, f.do(ops.GreaterEqual(short, zero)))) // max(0, .)
	return f.do(ops.RowSum(f.do(ops.Mul(missing, missing)))), f.err
}

// formula keeps the first error of a row of operations.
type formula struct{ err error }

func (f *formula) do(n *G.Node, err error) *G.Node {
	if f.err == nil {
		f.err = err
	}
	return n
}
