package loss

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// formula lets a loss be written as a formula: each method is the piece of that name in package ops, and the first error is
// kept.
type formula struct{ err error }

func (f *formula) keep(n *G.Node, err error) *G.Node {
	if f.err == nil {
		f.err = err
	}
	return n
}

func (f *formula) unary(piece func(*G.Node) (*G.Node, error), x *G.Node) *G.Node {
	if f.err != nil {
		return nil
	}
	return f.keep(piece(x))
}

func (f *formula) binary(piece func(a, b *G.Node) (*G.Node, error), a, b *G.Node) *G.Node {
	if f.err != nil {
		return nil
	}
	return f.keep(piece(a, b))
}

// affine is x * scale + shift.
func (f *formula) affine(x *G.Node, scale, shift float64) *G.Node {
	return f.unary(func(x *G.Node) (*G.Node, error) { return ops.Affine(x, scale, shift) }, x)
}

func (f *formula) scale(x *G.Node, by float64) *G.Node { return f.affine(x, by, 0) }
func (f *formula) add(a, b *G.Node) *G.Node            { return f.binary(ops.RowAdd, a, b) }
func (f *formula) sub(a, b *G.Node) *G.Node            { return f.binary(ops.Sub, a, b) }
func (f *formula) mul(a, b *G.Node) *G.Node            { return f.binary(ops.Mul, a, b) }
func (f *formula) div(a, b *G.Node) *G.Node            { return f.binary(ops.Div, a, b) }
func (f *formula) exp(x *G.Node) *G.Node               { return f.unary(ops.Exp, x) }
func (f *formula) softplus(x *G.Node) *G.Node          { return f.unary(ops.Softplus, x) }
func (f *formula) logSumExp(x *G.Node) *G.Node         { return f.unary(ops.LogSumExp, x) }
func (f *formula) rowSum(x *G.Node) *G.Node            { return f.unary(ops.RowSum, x) }
func (f *formula) mean(x *G.Node) *G.Node              { return f.unary(ops.BatchMean, x) }

// positive is max(0, x).
func (f *formula) positive(x *G.Node) *G.Node {
	return f.mul(x, f.binary(ops.GreaterEqual, x, f.scale(x, 0)))
}

// ofLabel is the number of each sample's label [N, 1] among numbers of classes [C] or [N, C].
func (f *formula) ofLabel(target, numbers *G.Node) *G.Node { return f.rowSum(f.mul(target, numbers)) }

// crossEntropy is log sum_c e^a_c - a_y, [N, 1].
func (f *formula) crossEntropy(a, target *G.Node) *G.Node {
	return f.ofLabel(target, f.sub(f.logSumExp(a), a))
}

// excluded is what is subtracted from a logit so that its class has no part in a sum of exponentials: beside it every logit is small,
// and the difference is finite in float32.
const excluded = 1e30
