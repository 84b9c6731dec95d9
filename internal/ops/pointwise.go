package ops

import (
	G "gorgonia.org/gorgonia"
)

// ReLU is max(x, 0), of any shape.
func ReLU(x *G.Node) (*G.Node, error) { return apply(KindReLU, Attrs{}, x) }

// Add is a + b, of one shape.
func Add(a, b *G.Node) (*G.Node, error) { return apply(KindAdd, Attrs{}, a, b) }

var pointwise = map[Kind]definition{
	KindReLU: {
		name:  "relu",
		shape: sameAs(1),
		wrt:   all,
		grad: func(_ *op, _ G.Nodes, out, g *G.Node) (G.Nodes, error) {
			d, err := apply(KindReLUGrad, Attrs{}, out, g)
			return G.Nodes{d}, err
		},
		eval: func(_ *op, out []float64, in [][]float64) {
			for i, x := range in[0] {
				out[i] = max(x, 0)
			}
		},
	},
	// y = relu(x), g -> g where y > 0
	KindReLUGrad: {
		name:  "relu-grad",
		shape: sameAs(2),
		eval: func(_ *op, out []float64, in [][]float64) {
			for i, y := range in[0] {
				if y > 0 {
					out[i] = in[1][i]
				}
			}
		},
	},
	KindAdd: {
		name:  "add",
		shape: sameAs(2),
		wrt:   all,
		grad:  func(_ *op, _ G.Nodes, _, g *G.Node) (G.Nodes, error) { return G.Nodes{g, g}, nil },
		eval: func(_ *op, out []float64, in [][]float64) {
			for i := range out {
				out[i] = in[0][i] + in[1][i]
			}
		},
	},
}
