package ops

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// The pieces that losses are made of. A value is [N, C] (a number for each sample and class), [N, 1] (one for each sample) or
// [C] (one for each class, without a gradient unless ScaleColumns says so). Whatever is made of these alone, forward and backward, compiles to one row
// program on every backend.

// Affine is scale * x + shift.
func Affine(x *G.Node, scale, shift float64) (*G.Node, error) {
	return apply(KindAffine, Attrs{Scale: scale, Shift: shift}, x)
}

// Exp is e^x.
func Exp(x *G.Node) (*G.Node, error) { return apply(KindExp, Attrs{}, x) }

// Log is the natural logarithm.
func Log(x *G.Node) (*G.Node, error) { return apply(KindLog, Attrs{}, x) }

// Softplus is log(1 + e^x), without overflow.
func Softplus(x *G.Node) (*G.Node, error) { return apply(KindSoftplus, Attrs{}, x) }

// Sigmoid is 1 / (1 + e^-x).
func Sigmoid(x *G.Node) (*G.Node, error) { return apply(KindSigmoid, Attrs{}, x) }

// Power is x^exponent, for x > 0.
func Power(x *G.Node, exponent float64) (*G.Node, error) {
	return apply(KindPower, Attrs{Exponent: exponent}, x)
}

// Detach is x, through which no gradient flows.
func Detach(x *G.Node) (*G.Node, error) { return apply(KindDetach, Attrs{}, x) }

var rowUnary = map[Kind]definition{
	KindAffine: unary("affine", func(a Attrs, x float64) float64 { return a.Scale*x + a.Shift },
		func(c *chain, o *op, _, _, g *G.Node) *G.Node { return c.do(Affine(g, o.attrs.Scale, 0)) }),
	KindExp: unary("exp", func(_ Attrs, x float64) float64 { return math.Exp(x) },
		func(c *chain, _ *op, _, y, g *G.Node) *G.Node { return c.do(Mul(g, y)) }),
	KindLog: unary("log", func(_ Attrs, x float64) float64 { return math.Log(x) },
		func(c *chain, _ *op, x, _, g *G.Node) *G.Node { return c.do(Div(g, x)) }),
	KindSoftplus: unary("softplus", func(_ Attrs, x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
		func(c *chain, _ *op, x, _, g *G.Node) *G.Node { return c.do(Mul(g, c.do(Sigmoid(x)))) }),
	KindSigmoid: unary("sigmoid", func(_ Attrs, x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		func(c *chain, _ *op, _, y, g *G.Node) *G.Node {
			return c.do(Mul(g, c.do(Mul(y, c.do(Affine(y, -1, 1))))))
		}),
	KindPower: unary("power", func(a Attrs, x float64) float64 { return math.Pow(x, a.Exponent) },
		func(c *chain, o *op, x, _, g *G.Node) *G.Node {
			return c.do(Mul(g, c.do(Affine(c.do(Power(x, o.attrs.Exponent-1)), o.attrs.Exponent, 0))))
		}),
	KindDetach: unary("detach", func(_ Attrs, x float64) float64 { return x }, nil),
}

// unary is a piece that works on each number by itself; grad is nil where no gradient flows.
func unary(name string, f func(Attrs, float64) float64, grad func(c *chain, o *op, x, y, g *G.Node) *G.Node) definition {
	d := definition{
		name: name,
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := wantCount(in, 1); err != nil {
				return nil, err
			}
			if d := in[0].Dims(); d != 1 && d != 2 {
				return nil, fmt.Errorf("wants [N, C], [N, 1] or [C]")
			}
			return in[0].Clone(), nil
		},
		eval: func(o *op, out []float64, in [][]float64) {
			for i, x := range in[0] {
				out[i] = f(o.attrs, x)
			}
		},
	}
	if grad != nil {
		d.wrt = perSample
		d.grad = func(o *op, in G.Nodes, out, g *G.Node) (G.Nodes, error) {
			var c chain
			return G.Nodes{grad(&c, o, in[0], out, g)}, c.err
		}
	}
	return d
}

// perSample gives a gradient to every input but those [C] that are not learned.
func perSample(a Attrs, in []tensor.Shape) []bool {
	wrt := make([]bool, len(in))
	for i, s := range in {
		wrt[i] = s.Dims() == 2 || a.Learned
	}
	return wrt
}
