package ops

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// RowSum is the sum over classes: [N, C] to [N, 1].
func RowSum(x *G.Node) (*G.Node, error) { return apply(KindRowSum, Attrs{}, x) }

// RowMax is the largest over classes: [N, C] to [N, 1]. Equal largest ones all get the gradient.
func RowMax(x *G.Node) (*G.Node, error) { return apply(KindRowMax, Attrs{}, x) }

// LogSumExp is log sum_c e^x_c, without overflow: [N, C] to [N, 1].
func LogSumExp(x *G.Node) (*G.Node, error) { return apply(KindLogSumExp, Attrs{}, x) }

// Spread repeats a value for every class: [N, 1] to [N, classes].
func Spread(x *G.Node, classes int) (*G.Node, error) {
	return apply(KindSpread, Attrs{Channels: classes}, x)
}

// BatchMean is the sum of all numbers divided by the number of samples: [N, 1] or [N, C] to a scalar. Every loss ends in one.
func BatchMean(x *G.Node) (*G.Node, error) { return apply(KindBatchMean, Attrs{}, x) }

// BatchSum is the sum over the samples, a constant in gradients: [N, 1] to [1], which other pieces repeat for every sample.
func BatchSum(x *G.Node) (*G.Node, error) { return apply(KindBatchSum, Attrs{}, x) }

// RowNormalize scales every row to Euclidean length 1: [N, C] to [N, C]. eps is added to the squared length.
func RowNormalize(x *G.Node, eps float64) (*G.Node, error) {
	var c chain
	square := c.do(Mul(x, x))
	if c.err != nil {
		return nil, c.err
	}
	length := c.do(Affine(c.do(RowSum(square)), 1, eps))
	return c.do(Mul(x, c.do(Power(length, -.5)))), c.err
}

var rowReduction = map[Kind]definition{
	KindRowSum: reduce("row-sum", func(row []float64) float64 {
		sum := 0.0
		for _, x := range row {
			sum += x
		}
		return sum
	}, func(c *chain, o *op, _, _, g *G.Node) *G.Node { return c.do(Spread(g, o.in[0][1])) }),
	KindRowMax: reduce("row-max", func(row []float64) float64 {
		largest := math.Inf(-1)
		for _, x := range row {
			largest = max(largest, x)
		}
		return largest
	}, func(c *chain, _ *op, x, y, g *G.Node) *G.Node { return c.do(Mul(c.do(GreaterEqual(x, y)), g)) }),
	KindLogSumExp: reduce("log-sum-exp", logSumExp,
		func(c *chain, _ *op, x, y, g *G.Node) *G.Node { return c.do(Mul(c.do(Exp(c.do(Sub(x, y)))), g)) }),
	KindSpread: {
		name: "spread",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2); err != nil {
				return nil, err
			}
			if in[0][1] != 1 {
				return nil, fmt.Errorf("wants [N, 1]")
			}
			return tensor.Shape{in[0][0], a.Channels}, wantPositive(a.Channels)
		},
		wrt: all,
		grad: func(_ *op, _ G.Nodes, _, g *G.Node) (G.Nodes, error) {
			d, err := RowSum(g)
			return G.Nodes{d}, err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			for i := range out {
				out[i] = in[0][i/o.attrs.Channels]
			}
		},
	},
	KindBatchMean: {
		name: "batch-mean",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			return tensor.ScalarShape(), want(in, 2)
		},
		wrt: all,
		grad: func(o *op, _ G.Nodes, _, g *G.Node) (G.Nodes, error) {
			d, err := apply(KindBatchMeanGrad, Attrs{Rows: o.in[0][0], Channels: o.in[0][1]}, g)
			return G.Nodes{d}, err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			for _, x := range in[0] {
				out[0] += x / float64(o.in[0][0])
			}
		},
	},
	KindBatchSum: {
		name: "batch-sum",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2); err != nil {
				return nil, err
			}
			if in[0][1] != 1 {
				return nil, fmt.Errorf("wants [N, 1]")
			}
			return tensor.Shape{1}, nil
		},
		eval: func(_ *op, out []float64, in [][]float64) {
			for _, x := range in[0] {
				out[0] += x
			}
		},
	},
	// g, a scalar -> g / N everywhere [N, C]
	KindBatchMeanGrad: {
		name: "batch-mean-grad",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			return tensor.Shape{a.Rows, a.Channels}, firstError(want(in, 0), wantPositive(a.Rows, a.Channels))
		},
		eval: func(o *op, out []float64, in [][]float64) {
			for i := range out {
				out[i] = in[0][0] / float64(o.attrs.Rows)
			}
		},
	},
}

func reduce(name string, f func(row []float64) float64, grad func(c *chain, o *op, x, y, g *G.Node) *G.Node) definition {
	return definition{
		name: name,
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2); err != nil {
				return nil, err
			}
			return tensor.Shape{in[0][0], 1}, nil
		},
		wrt: all,
		grad: func(o *op, in G.Nodes, out, g *G.Node) (G.Nodes, error) {
			var c chain
			return G.Nodes{grad(&c, o, in[0], out, g)}, c.err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			width := o.in[0][1]
			for i := range out {
				out[i] = f(in[0][i*width : (i+1)*width])
			}
		},
	}
}

func logSumExp(row []float64) float64 {
	largest := math.Inf(-1)
	for _, x := range row {
		largest = max(largest, x)
	}
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(x - largest)
	}
	return largest + math.Log(sum)
}
