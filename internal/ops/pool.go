package ops

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ShortcutPool halves x [N, C, H, W] by 2x2 average pooling and adds zero channels in equal number before and after, up to
// channels: the shortcut of the paper's networks. H and W must be even.
func ShortcutPool(x *G.Node, channels int) (*G.Node, error) {
	return apply(KindShortcutPool, Attrs{Channels: channels}, x)
}

// ShortcutSubsample is ShortcutPool with every second pixel in place of the average (option A of He et al. 2015).
func ShortcutSubsample(x *G.Node, channels int) (*G.Node, error) {
	return apply(KindShortcutSubsample, Attrs{Channels: channels}, x)
}

// GlobalAverage is the mean over H and W: [N, C, H, W] to [N, C].
func GlobalAverage(x *G.Node) (*G.Node, error) { return apply(KindGlobalAverage, Attrs{}, x) }

var (
	poolWindow      = []float64{.25, .25, .25, .25} // weights of a 2x2 window, row by row
	subsampleWindow = []float64{1, 0, 0, 0}
)

var pooling = map[Kind]definition{
	KindShortcutPool:          shortcut("shortcut-pool", KindShortcutPoolGrad, poolWindow),
	KindShortcutPoolGrad:      shortcutGrad("shortcut-pool-grad", poolWindow),
	KindShortcutSubsample:     shortcut("shortcut-subsample", KindShortcutSubsampleGrad, subsampleWindow),
	KindShortcutSubsampleGrad: shortcutGrad("shortcut-subsample-grad", subsampleWindow),
	KindGlobalAverage: {
		name: "global-average",
		shape: func(_ Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4); err != nil {
				return nil, err
			}
			return tensor.Shape{in[0][0], in[0][1]}, nil
		},
		wrt: all,
		grad: func(o *op, _ G.Nodes, _, g *G.Node) (G.Nodes, error) {
			d, err := apply(KindGlobalAverageGrad, Attrs{Height: o.in[0][2], Width: o.in[0][3]}, g)
			return G.Nodes{d}, err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			area := o.in[0][2] * o.in[0][3]
			for i, x := range in[0] {
				out[i/area] += x / float64(area)
			}
		},
	},
	KindGlobalAverageGrad: {
		name: "global-average-grad",
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 2); err != nil {
				return nil, err
			}
			return tensor.Shape{in[0][0], in[0][1], a.Height, a.Width}, wantPositive(a.Height, a.Width)
		},
		eval: func(o *op, out []float64, in [][]float64) {
			area := o.attrs.Height * o.attrs.Width
			for i := range out {
				out[i] = in[0][i/area] / float64(area)
			}
		},
	},
}

func shortcut(name string, gradient Kind, window []float64) definition {
	return definition{
		name: name,
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4); err != nil {
				return nil, err
			}
			s := in[0]
			if a.Channels < s[1] || (a.Channels-s[1])%2 != 0 || s[2]%2 != 0 || s[3]%2 != 0 {
				return nil, fmt.Errorf("cannot halve and widen to %d channels: H and W must be even and the new channels even in number", a.Channels)
			}
			return tensor.Shape{s[0], a.Channels, s[2] / 2, s[3] / 2}, nil
		},
		wrt: all,
		grad: func(o *op, _ G.Nodes, _, g *G.Node) (G.Nodes, error) {
			d, err := apply(gradient, Attrs{Channels: o.in[0][1]}, g)
			return G.Nodes{d}, err
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachQuad(o.in[0], o.out, func(x, y, place int) { out[y] += window[place] * in[0][x] })
		},
	}
}

func shortcutGrad(name string, window []float64) definition {
	return definition{
		name: name,
		shape: func(a Attrs, in []tensor.Shape) (tensor.Shape, error) {
			if err := want(in, 4); err != nil {
				return nil, err
			}
			s := in[0]
			if a.Channels < 1 || a.Channels > s[1] || (s[1]-a.Channels)%2 != 0 {
				return nil, fmt.Errorf("cannot narrow to %d channels: those dropped must be even in number", a.Channels)
			}
			return tensor.Shape{s[0], a.Channels, 2 * s[2], 2 * s[3]}, nil
		},
		eval: func(o *op, out []float64, in [][]float64) {
			eachQuad(o.out, o.in[0], func(x, y, place int) { out[x] += window[place] * in[0][y] })
		},
	}
}

// eachQuad visits the pixels of x [N, C, H, W] with the element of y [N, C', H/2, W/2] that they fall to and their place in
// its 2x2 window.
func eachQuad(xs, ys tensor.Shape, f func(x, y, place int)) {
	before := (ys[1] - xs[1]) / 2
	for i := range xs.TotalSize() {
		w, h, c, n := i%xs[3], i/xs[3]%xs[2], i/(xs[3]*xs[2])%xs[1], i/(xs[3]*xs[2]*xs[1])
		f(i, ((n*ys[1]+c+before)*ys[2]+h/2)*ys[3]+w/2, h%2*2+w%2)
	}
}
