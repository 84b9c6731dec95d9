package models

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// epsilon is what batch norm adds to a variance; the paper's.
const epsilon = 1e-5

// Builder draws layers and keeps what they need. After the first error its methods do nothing, so that a network reads as a
// formula; Build returns the error.
type Builder struct {
	config   Config
	training bool // the norms take the moments of the batch
	frozen   bool // parameters that are added keep their values
	graph    *G.ExprGraph
	net      Net
	err      error
}

func (b *Builder) keep(n *G.Node, err error) *G.Node {
	if b.err == nil {
		b.err = err
	}
	return n
}

// param adds a trainable value.
func (b *Builder) param(name string, init ops.Init, decay bool, shape ...int) *G.Node {
	n := G.NewTensor(b.graph, G.Float32, len(shape), G.WithShape(shape...), G.WithName(name))
	b.net.Params = append(b.net.Params, ops.Param{Node: n, Name: name, Decay: decay, Init: init, Frozen: b.frozen})
	return n
}

// Conv is a convolution without bias: x [N, I, H, W] to [N, O, H / stride, W / stride].
func (b *Builder) Conv(x *G.Node, name string, out, kernel, stride int) *G.Node {
	if b.err != nil {
		return nil
	}
	in := x.Shape()[1]
	w := b.param(name, b.spread(in*kernel*kernel, out*kernel*kernel), true, out, in, kernel, kernel)
	return b.keep(ops.Conv(x, w, stride, kernel/2))
}

// Norm is batch norm of x [N, C, H, W]; layer and suffix name its values: "stem.scale", "stage1.block1.scale2".
func (b *Builder) Norm(x *G.Node, layer, suffix string) *G.Node {
	if b.err != nil {
		return nil
	}
	s := x.Shape()
	scale := b.param(layer+".scale"+suffix, ops.Init{Mean: 1}, true, s[1])
	shift := b.param(layer+".shift"+suffix, ops.Init{}, true, s[1])
	running := layer + ".moments" + suffix
	if !b.training {
		moments := G.NewTensor(b.graph, G.Float32, 2, G.WithShape(2, s[1]), G.WithName(running))
		b.net.Inputs = append(b.net.Inputs, moments)
		return b.keep(ops.Normalize(x, moments, scale, shift, epsilon))
	}
	y, moments, err := ops.BatchNorm(x, scale, shift, epsilon)
	b.net.Stats = append(b.net.Stats, ops.Stat{Batch: moments, Running: running, Count: s[0] * s[2] * s[3]})
	return b.keep(y, err)
}

// ReLU is max(x, 0).
func (b *Builder) ReLU(x *G.Node) *G.Node {
	if b.err != nil {
		return nil
	}
	return b.keep(ops.ReLU(x))
}

// Add is x + y.
func (b *Builder) Add(x, y *G.Node) *G.Node {
	if b.err != nil {
		return nil
	}
	return b.keep(ops.Add(x, y))
}

// MaxPool is the maximum over windows: x [N, C, H, W] to [N, C, H / stride, W / stride].
func (b *Builder) MaxPool(x *G.Node, kernel, stride, pad int) *G.Node {
	if b.err != nil {
		return nil
	}
	return b.keep(ops.MaxPool(x, kernel, stride, pad))
}

// Average is the mean over the pixels: [N, F, H, W] to [N, F].
func (b *Builder) Average(x *G.Node) *G.Node {
	if b.err != nil {
		return nil
	}
	return b.keep(ops.GlobalAverage(x))
}

// shape is a node's, for a network's own arithmetic; zeros after an error.
func (b *Builder) shape(x *G.Node) tensor.Shape {
	if b.err != nil {
		return tensor.Shape{0, 0, 0, 0}
	}
	return x.Shape()
}
