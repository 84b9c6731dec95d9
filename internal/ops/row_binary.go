package ops

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// The pieces below take two values of which either may be [N, C], [N, 1] or [C]; the smaller one is repeated.

// RowAdd is a + b.
func RowAdd(a, b *G.Node) (*G.Node, error) { return apply(KindRowAdd, Attrs{}, a, b) }

// Sub is a - b.
func Sub(a, b *G.Node) (*G.Node, error) { return apply(KindSub, Attrs{}, a, b) }

// Mul is a * b, number by number.
func Mul(a, b *G.Node) (*G.Node, error) { return apply(KindMul, Attrs{}, a, b) }

// ScaleColumns is x * s for x [N, C] and a learned s [C], which has a gradient: that of a number is the sum over the samples.
func ScaleColumns(x, s *G.Node) (*G.Node, error) { return apply(KindMul, Attrs{Learned: true}, x, s) }

// Div is a / b, number by number.
func Div(a, b *G.Node) (*G.Node, error) { return apply(KindDiv, Attrs{}, a, b) }

// GreaterEqual is 1 where a >= b and 0 elsewhere; no gradient flows through it.
func GreaterEqual(a, b *G.Node) (*G.Node, error) { return apply(KindGreaterEqual, Attrs{}, a, b) }

var rowBinary = map[Kind]definition{
	KindRowAdd: binary("plus", func(a, b float64) float64 { return a + b },
		func(_ *chain, _, _, g *G.Node) (*G.Node, *G.Node) { return g, g }),
	KindSub: binary("sub", func(a, b float64) float64 { return a - b },
		func(c *chain, _, _, g *G.Node) (*G.Node, *G.Node) { return g, c.do(Affine(g, -1, 0)) }),
	KindMul: binary("mul", func(a, b float64) float64 { return a * b },
		func(c *chain, a, b, g *G.Node) (*G.Node, *G.Node) { return c.do(Mul(g, b)), c.do(Mul(g, a)) }),
	KindDiv: binary("div", func(a, b float64) float64 { return a / b },
		func(c *chain, a, b, g *G.Node) (*G.Node, *G.Node) {
			da := c.do(Div(g, b))
			return da, c.do(Affine(c.do(Mul(da, c.do(Div(a, b)))), -1, 0))
		}),
	KindGreaterEqual: binary("greater-equal", func(a, b float64) float64 {
		if a >= b {
			return 1
		}
		return 0
	}, nil),
}

func binary(name string, f func(a, b float64) float64, grad func(c *chain, a, b, g *G.Node) (da, db *G.Node)) definition {
	d := definition{
		name: name,
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := wantCount(in, 2); err != nil {
				return nil, err
			}
			return broadcast(in[0], in[1])
		},
		eval: func(o *op, out []float64, in [][]float64) {
			a, b := repeater(o.in[0], o.out), repeater(o.in[1], o.out)
			for i := range out {
				out[i] = f(in[0][a(i)], in[1][b(i)])
			}
		},
	}
	if grad != nil {
		d.wrt = perSample
		d.grad = func(o *op, in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			var c chain
			da, db := grad(&c, in[0], in[1], g)
			return G.Nodes{o.fold(&c, da, 0), o.fold(&c, db, 1)}, c.err
		}
	}
	return d
}

// broadcast is the shape of a pair of row values.
func broadcast(a, b tensor.Shape) (tensor.Shape, error) {
	if a.Dims() < b.Dims() {
		a, b = b, a
	}
	switch {
	case a.Dims() == 1 && b.Dims() == 1 && a[0] == b[0]:
		return a.Clone(), nil
	case a.Dims() == 2 && b.Dims() == 1 && (a[1] == b[0] || a[1] == 1):
		return tensor.Shape{a[0], b[0]}, nil
	case a.Dims() == 2 && b.Dims() == 2 && a[0] == b[0] && (a[1] == b[1] || a[1] == 1 || b[1] == 1):
		return tensor.Shape{a[0], max(a[1], b[1])}, nil
	}
	return nil, fmt.Errorf("shapes do not go together: want [N, C], [N, 1] or [C]")
}

// repeater maps an index of the result to one of an input that is repeated.
func repeater(in, out tensor.Shape) func(int) int {
	width := out[out.Dims()-1]
	switch {
	case in.Dims() == out.Dims() && in[in.Dims()-1] == width:
		return func(i int) int { return i }
	case in.Dims() == 1:
		return func(i int) int { return i % width }
	default:
		return func(i int) int { return i / width }
	}
}

// fold undoes the repetition of an input in its gradient: [N, 1] gets the sum over the row; [C] the sum over the samples where it is
// learned, else none.
func (o *op) fold(c *chain, g *G.Node, input int) *G.Node {
	in := o.in[input]
	switch {
	case c.err != nil:
		return nil
	case in.Dims() == 1 && o.attrs.Learned:
		return c.do(apply(KindDenseGradBias, Attrs{}, g))
	case in.Dims() == 1:
		return nil
	case in[1] == 1 && o.out[1] != 1:
		return c.do(RowSum(g))
	}
	return g
}
