package ops

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Conv is a two-dimensional cross-correlation, zero padded: x [N, I, H, W] and w [O, I, K, K] give [N, O, H', W'] with
// H' = (H + 2 pad - K) / stride + 1.
func Conv(x, w *G.Node, stride, pad int) (*G.Node, error) {
	return apply(KindConv, Attrs{Stride: stride, Pad: pad}, x, w)
}

var convolution = map[Kind]definition{
	KindConv: {
		name: "conv",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4, 4); err != nil {
				return nil, err
			}
			return convolved(a, in[0], in[1])
		},
		wrt: all,
		grad: func(o *op, in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			var c chain
			a := o.attrs
			a.Height, a.Width, a.Kernel = o.in[0][2], o.in[0][3], o.in[1][2]
			dx := c.do(apply(KindConvGradInput, a, in[1], g))
			dw := c.do(apply(KindConvGradWeights, a, in[0], g))
			return G.Nodes{dx, dw}, c.err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachTap(o.in[0], o.in[1], o.out, o.attrs, func(x, w, y int) { out[y] += in[0][x] * in[1][w] })
		},
	},
	// w [O, I, K, K], dy [N, O, H', W'] -> dx [N, I, H, W]
	KindConvGradInput: {
		name: "conv-grad-input",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4, 4); err != nil {
				return nil, err
			}
			x := tensor.Shape{in[1][0], in[0][1], a.Height, a.Width}
			return x, firstError(wantPositive(a.Height, a.Width), wantConvolved(a, x, in[0], in[1]))
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachTap(o.out, o.in[0], o.in[1], o.attrs, func(x, w, y int) { out[x] += in[0][w] * in[1][y] })
		},
	},
	// x [N, I, H, W], dy [N, O, H', W'] -> dw [O, I, K, K]
	KindConvGradWeights: {
		name: "conv-grad-weights",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4, 4); err != nil {
				return nil, err
			}
			w := tensor.Shape{in[1][1], in[0][1], a.Kernel, a.Kernel}
			return w, wantConvolved(a, in[0], w, in[1])
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachTap(o.in[0], o.out, o.in[1], o.attrs, func(x, w, y int) { out[w] += in[0][x] * in[1][y] })
		},
	},
}

// convolved is the shape of the convolution of x [N, I, H, W] by w [O, I, K, K].
func convolved(a Attrs, x, w tensor.Shape) (tensor.Shape, error) {
	if w[1] != x[1] || w[2] != w[3] || w[2] < 1 || a.Stride < 1 || a.Pad < 0 || x[2]+2*a.Pad < w[2] || x[3]+2*a.Pad < w[3] {
		return nil, fmt.Errorf("weights %v do not fit the input %v at stride %d, padding %d", w, x, a.Stride, a.Pad)
	}
	return tensor.Shape{x[0], w[0], (x[2]+2*a.Pad-w[2])/a.Stride + 1, (x[3]+2*a.Pad-w[3])/a.Stride + 1}, nil
}

// wantConvolved checks that y has the shape of the convolution of x by w.
func wantConvolved(a Attrs, x, w, y tensor.Shape) error {
	s, err := convolved(a, x, w)
	if err == nil && !slices.Equal(s, y) {
		err = fmt.Errorf("the convolution of %v by %v is %v, not %v", x, w, s, y)
	}
	return err
}

// eachTap calls f with the flat indices of x [N, I, H, W], w [O, I, K, K] and y [N, O, H', W'] for every product of a
// convolution.
func eachTap(xs, ws, ys tensor.Shape, a Attrs, f func(x, w, y int)) {
	for n := range ys[0] {
		for o := range ys[1] {
			for i := range ys[2] {
				for j := range ys[3] {
					y := ((n*ys[1]+o)*ys[2]+i)*ys[3] + j
					eachWindow(xs, ws, a, n, o, i, j, func(x, w int) { f(x, w, y) })
				}
			}
		}
	}
}

// eachWindow visits the taps of output pixel (i, j) that fall inside the image.
func eachWindow(xs, ws tensor.Shape, a Attrs, n, o, i, j int, f func(x, w int)) {
	for c := range ws[1] {
		for ki := range ws[2] {
			for kj := range ws[3] {
				xi, xj := i*a.Stride+ki-a.Pad, j*a.Stride+kj-a.Pad
				if xi >= 0 && xj >= 0 && xi < xs[2] && xj < xs[3] {
					f(((n*xs[1]+c)*xs[2]+xi)*xs[3]+xj, ((o*ws[1]+c)*ws[2]+ki)*ws[3]+kj)
				}
			}
		}
	}
}
