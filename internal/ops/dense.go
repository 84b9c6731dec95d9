package ops

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Dense is x w^T + b: x [N, F], w [C, F], b [C] give [N, C]. b may be nil for none.
func Dense(x, w, b *G.Node) (*G.Node, error) {
	if b == nil {
		return apply(KindDense, Attrs{}, x, w)
	}
	return apply(KindDense, Attrs{}, x, w, b)
}

var dense = map[Kind]definition{
	KindDense: {
		name: "dense",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, []int{2, 2, 1}[:min(max(len(in), 2), 3)]...); err != nil {
				return nil, err
			}
			if in[0][1] != in[1][1] || len(in) == 3 && in[1][0] != in[2][0] {
				return nil, fmt.Errorf("features or classes differ")
			}
			return tensor.Shape{in[0][0], in[1][0]}, nil
		},
		wrt: all,
		grad: func(_ *op, in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			var c chain
			dx := c.do(apply(KindDenseGradInput, Attrs{}, in[1], g))
			dw := c.do(apply(KindDenseGradWeights, Attrs{}, in[0], g))
			if len(in) == 2 {
				return G.Nodes{dx, dw}, c.err
			}
			return G.Nodes{dx, dw, c.do(apply(KindDenseGradBias, Attrs{}, g))}, c.err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			if len(in) == 3 {
				copyBias(out, in[2])
			}
			eachProduct(o.in[0], o.in[1], func(x, w, y int) { out[y] += in[0][x] * in[1][w] })
		},
	},
	// w [C, F], dy [N, C] -> dx [N, F]
	KindDenseGradInput: {
		name: "dense-grad-input",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2, 2); err != nil {
				return nil, err
			}
			return tensor.Shape{in[1][0], in[0][1]}, wantSide(in, 0, 0, 1, 1)
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachProduct(o.out, o.in[0], func(x, w, y int) { out[x] += in[0][w] * in[1][y] })
		},
	},
	// x [N, F], dy [N, C] -> dw [C, F]
	KindDenseGradWeights: {
		name: "dense-grad-weights",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2, 2); err != nil {
				return nil, err
			}
			return tensor.Shape{in[1][1], in[0][1]}, wantSide(in, 0, 0, 1, 0)
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachProduct(o.in[0], o.out, func(x, w, y int) { out[w] += in[0][x] * in[1][y] })
		},
	},
	// dy [N, C] -> db [C]
	KindDenseGradBias: {
		name: "dense-grad-bias",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2); err != nil {
				return nil, err
			}
			return tensor.Shape{in[0][1]}, nil
		},
		eval: func(_ *op, out []float64, in [][]float64) {
			for i, g := range in[0] {
				out[i%len(out)] += g
			}
		},
	},
}

func copyBias(out, bias []float64) {
	for i := range out {
		out[i] = bias[i%len(bias)]
	}
}

// eachProduct visits the products of x [N, F] and w [C, F] with the element of y [N, C] that they fall to.
func eachProduct(xs, ws tensor.Shape, f func(x, w, y int)) {
	for n := range xs[0] {
		for c := range ws[0] {
			for k := range ws[1] {
				f(n*xs[1]+k, c*ws[1]+k, n*ws[0]+c)
			}
		}
	}
}
