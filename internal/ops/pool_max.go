package ops

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// MaxPool is the maximum over windows of kernel x kernel pixels: x [N, C, H, W] to [N, C, H', W'] with
// H' = (H + 2 pad - kernel) / stride + 1. What lies outside the image does not count; pad is at most kernel / 2, so that a window has a
// pixel. The gradient of a window goes to its largest pixel, the first one in row-major order where several are equal.
func MaxPool(x *G.Node, kernel, stride, pad int) (*G.Node, error) {
	return apply(KindMaxPool, Attrs{Kernel: kernel, Stride: stride, Pad: pad}, x)
}

var maxPooling = map[Kind]definition{
	KindMaxPool: {
		name: "max-pool",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4); err != nil {
				return nil, err
			}
			return maxPooled(a, in[0])
		},
		wrt: all,
		grad: func(o *op, in G.Nodes, _, g *G.Node) (G.Nodes, error) {
			d, err := apply(KindMaxPoolGrad, o.attrs, in[0], g)
			return G.Nodes{d}, err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachMaximum(o.in[0], o.out, o.attrs, in[0], func(x, y int) { out[y] = in[0][x] })
		},
	},
	// x [N, C, H, W], g [N, C, H', W'] -> dx [N, C, H, W]
	KindMaxPoolGrad: {
		name: "max-pool-grad",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4, 4); err != nil {
				return nil, err
			}
			s, err := maxPooled(a, in[0])
			if err == nil && !slices.Equal(s, in[1]) {
				err = fmt.Errorf("the gradient of a pooled image %v is %v, not %v", in[0], s, in[1])
			}
			return in[0].Clone(), err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachMaximum(o.in[0], o.in[1], o.attrs, in[0], func(x, y int) { out[x] += in[1][y] })
		},
	},
}

// maxPooled is the shape of the pooled x [N, C, H, W].
func maxPooled(a Attrs, x tensor.Shape) (tensor.Shape, error) {
	if a.Kernel < 1 || a.Stride < 1 || a.Pad < 0 || a.Pad > a.Kernel/2 || x[2]+2*a.Pad < a.Kernel || x[3]+2*a.Pad < a.Kernel {
		return nil, fmt.Errorf("windows of %d at stride %d, padding %d do not fit", a.Kernel, a.Stride, a.Pad)
	}
	return tensor.Shape{x[0], x[1], (x[2]+2*a.Pad-a.Kernel)/a.Stride + 1, (x[3]+2*a.Pad-a.Kernel)/a.Stride + 1}, nil
}

// eachMaximum calls f with the flat indices of every element of y [N, C, H', W'] and of the largest element of its window in x [N, C, H, W].
func eachMaximum(xs, ys tensor.Shape, a Attrs, x []float64, f func(x, y int)) {
	for i := range ys.TotalSize() {
		col, row, image := i%ys[3], i/ys[3]%ys[2], i/(ys[3]*ys[2])
		best, at := math.Inf(-1), -1
		for tap := range a.Kernel * a.Kernel {
			h, w := row*a.Stride+tap/a.Kernel-a.Pad, col*a.Stride+tap%a.Kernel-a.Pad
			if h < 0 || w < 0 || h >= xs[2] || w >= xs[3] {
				continue
			}
			if j := (image*xs[2]+h)*xs[3] + w; at < 0 || x[j] > best {
				best, at = x[j], j
			}
		}
		f(at, i)
	}
}
