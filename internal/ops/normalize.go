package ops

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// BatchNorm normalises x [N, C, H, W] by its own moments, then scales and shifts by gamma, beta [C] (Ioffe and Szegedy 2015).
// It gives y and the moments [2, C] (mean, biased variance) over N, H and W. The gradient goes through the moments.
func BatchNorm(x, gamma, beta *G.Node, eps float64) (y, moments *G.Node, err error) {
	if moments, err = apply(KindMoments, Attrs{}, x); err != nil {
		return nil, nil, err
	}
	y, err = apply(KindNormalize, Attrs{Eps: eps, Batch: true}, x, moments, gamma, beta)
	return y, moments, err
}

// Normalize is (x - mean) / sqrt(variance + eps) * gamma + beta with given moments [2, C]: batch norm in evaluation.
func Normalize(x, moments, gamma, beta *G.Node, eps float64) (*G.Node, error) {
	return apply(KindNormalize, Attrs{Eps: eps}, x, moments, gamma, beta)
}

var normalization = map[Kind]definition{
	KindMoments: {
		name: "moments",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4); err != nil {
				return nil, err
			}
			return tensor.Shape{2, in[0][1]}, nil
		},
		eval: func(o *op, out []float64, in [][]float64) {
			s := o.in[0]
			m := float64(s[0] * s[2] * s[3])
			eachChannel(s, func(c, i int) { out[c] += in[0][i] / m })
			eachChannel(s, func(c, i int) { d := in[0][i] - out[c]; out[s[1]+c] += d * d / m })
		},
	},
	KindNormalize: {
		name: "normalize",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4, 2, 1, 1); err != nil {
				return nil, err
			}
			c := in[0][1]
			return in[0].Clone(), firstError(wantChannels(in, 1, c), wantChannels(in, 2, c), wantChannels(in, 3, c))
		},
		// the moments of the batch are not an input of their own: their part is in the gradient of x
		wrt: only(true, false, true, true),
		grad: func(o *op, in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			var c chain
			sums := c.do(apply(KindNormalizeSums, o.attrs, in[0], in[1], g))
			if c.err != nil {
				return nil, c.err
			}
			dx := c.do(apply(KindNormalizeGradInput, o.attrs, in[0], in[1], in[2], g, sums))
			dbeta := c.do(apply(KindRow, Attrs{Index: 0}, sums))
			dgamma := c.do(apply(KindRow, Attrs{Index: 1}, sums))
			return G.Nodes{dx, nil, dgamma, dbeta}, c.err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachChannel(o.in[0], func(c, i int) {
				mean, inv := momentsAt(o, in[1], c)
				out[i] = (in[0][i]-mean)*inv*in[2][c] + in[3][c]
			})
		},
	},
	// x, moments, g -> [2, C]: sum of g, sum of g * xhat over N, H and W
	KindNormalizeSums: {
		name: "normalize-sums",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4, 2, 4); err != nil {
				return nil, err
			}
			c := in[0][1]
			return tensor.Shape{2, c}, firstError(wantChannels(in, 1, c), wantEqual(in, 0, 2))
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachChannel(o.in[0], func(c, i int) {
				mean, inv := momentsAt(o, in[1], c)
				out[c] += in[2][i]
				out[o.in[0][1]+c] += in[2][i] * (in[0][i] - mean) * inv
			})
		},
	},
	// x, moments, gamma, g, sums -> dx = gamma / sqrt(variance + eps) * (g - sum(g) / m - xhat * sum(g xhat) / m), where the
	// last two terms, the part that goes through the moments, are there only if the moments are the batch's own
	KindNormalizeGradInput: {
		name: "normalize-grad-input",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4, 2, 1, 4, 2); err != nil {
				return nil, err
			}
			c := in[0][1]
			return in[0].Clone(), firstError(wantChannels(in, 1, c), wantChannels(in, 2, c), wantEqual(in, 0, 3), wantChannels(in, 4, c))
		},
		eval: func(o *op, out []float64, in [][]float64) {
			s := o.in[0]
			m := float64(s[0] * s[2] * s[3])
			eachChannel(s, func(c, i int) {
				mean, inv := momentsAt(o, in[1], c)
				d := in[3][i]
				if o.attrs.Batch {
					d -= in[4][c]/m + (in[0][i]-mean)*inv*in[4][s[1]+c]/m
				}
				out[i] = in[2][c] * inv * d
			})
		},
	},
	// a [R, C] -> row Index [C]
	KindRow: {
		name: "row",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2); err != nil {
				return nil, err
			}
			if a.Index < 0 || a.Index >= in[0][0] {
				return nil, fmt.Errorf("there is no row %d", a.Index)
			}
			return tensor.Shape{in[0][1]}, nil
		},
		eval: func(o *op, out []float64, in [][]float64) { copy(out, in[0][o.attrs.Index*len(out):]) },
	},
}

// momentsAt is the mean and the inverse standard deviation of channel c.
func momentsAt(o *op, moments []float64, c int) (mean, inv float64) {
	return moments[c], 1 / math.Sqrt(moments[len(moments)/2+c]+o.attrs.Eps)
}

// eachChannel visits every element of an [N, C, H, W] tensor with its channel.
func eachChannel(s tensor.Shape, f func(c, i int)) {
	area := s[2] * s[3]
	for i := range s.TotalSize() {
		f(i/area%s[1], i)
	}
}
