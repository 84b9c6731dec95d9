//go:build gpu

package cuda

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/cuda/mmaconv"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// conv: y = w * x, launched when it is known what is summed over it.
func (c *compiler) conv(st *plan.Step) error {
	x, w := c.shape(st.In[0]), c.shape(st.In[1])
	v := c.convolution(st.In[1], x, w, st.Attrs)
	v.inputs, v.pad, v.stride, v.dilation = x[1], st.Attrs.Pad, st.Attrs.Stride, 1
	c.note(st.Out, source{extent: c.extent(st.Out), conv: v})
	return c.join(st, v)
}

// join decides how a convolution reads its input. A source that costs reading two tensors, the end of a residual block, is stored by the
// convolution on its way, if its window covers all pixels.
func (c *compiler) join(st *plan.Step, conv *convolution) (err error) {
	v := st.In[0]
	at := c.values[v]
	switch {
	case !at.mem.isNull() || at.source == nil || at.source.conv != nil || conv.takes(at.source) != nil:
		_, err = c.memory(v)
	case !at.source.isTerm() && conv.window >= conv.stride:
		conv.in, conv.joined, at.by = *at.source, c.activation(at.source.extent), st.Out
		c.stored(v, conv.joined)
		return nil
	}
	if err == nil {
		conv.in, err = c.read(v)
	}
	return err
}

// convGradInput: dx from w and dy, a convolution with the window turned round.
func (c *compiler) convGradInput(st *plan.Step) error {
	x, w, a := c.shape(st.Out), c.shape(st.In[0]), st.Attrs
	v := c.convolution(st.In[0], x, w, a)
	v.inputs, v.pad, v.stride, v.dilation, v.backward = w[0], w[2]-1-a.Pad, 1, a.Stride, true
	v.gradient = st.In[1]
	var err error
	if v.in, err = c.read(st.In[1]); err != nil {
		return err
	}
	e := c.extent(st.Out)
	if v.tensor == nil || v.tensor.GradientSide() == e.h {
		c.note(st.Out, source{extent: e, conv: v})
		return nil
	}
	// Tensor cores leave out the pixels that a projection does not touch: the result is a small image, to be spread out where it is read.
	little := extent{v.tensor.GradientSide(), v.tensor.GradientSide(), e.c}
	to := c.activation(little)
	c.launchConv(&source{extent: little, conv: v}, &statistics{}, to, c.p.Values[st.Out].Name)
	c.note(st.Out, source{extent: e, first: operand{kind: termSubsampleGradient, x: to, depth: e.c}})
	return nil
}

// convolution of x [N, I, H, W] with w [O, I, K, K], in either direction, on tensor cores if they take it.
func (c *compiler) convolution(weights plan.ValueID, x, w []int, a ops.Attrs) *convolution {
	return &convolution{weights: c.store.values[c.p.Values[weights].Name], window: w[2], tensor: c.tensorShape(x, w, a)}
}

// tensorShape is a convolution's shape if there are tensor-core kernels for it, else nil.
func (c *compiler) tensorShape(x, w []int, a ops.Attrs) *mmaconv.Shape {
	s := mmaconv.Shape{In: w[1], Out: w[0], Side: x[2], Stride: a.Stride, Window: w[2]}
	if !c.mixed || c.plainCores || x[2] != x[3] || a.Pad != w[2]/2 || !s.Supported() {
		return nil
	}
	return &s
}

// takes says why the convolution's kernel cannot evaluate its input.
func (v *convolution) takes(in *source) error {
	if v.tensor == nil {
		return nil
	}
	return v.tensor.CheckForward(in.argument(), sourceArgument{}, statisticsArgument{})
}

// ends says why the convolution's kernel cannot do an epilogue.
func (v *convolution) ends(epilogue *source, q *statistics) error {
	switch {
	case v.tensor == nil:
		return nil
	case v.backward:
		return v.tensor.CheckBackward(v.in.argument(), epilogue.argument(), q.argument())
	}
	return v.tensor.CheckForward(v.in.argument(), epilogue.argument(), q.argument())
}

// convolve launches a convolution that makes value v, with what its epilogue does; what it cannot do, another kernel does.
func (c *compiler) convolve(v plan.ValueID, s *source, q *statistics) ref {
	if q == nil {
		q = &statistics{}
	}
	why := c.p.Values[v].Name
	to := c.activation(s.extent)
	if s.conv.ends(s, q) == nil {
		c.stored(v, to)
		c.launchConv(s, q, to, why)
		return to
	}
	c.launchConv(&source{extent: s.extent, conv: s.conv}, &statistics{}, to, why)
	rest := *s
	rest.conv, rest.first = nil, operand{kind: termPlain, x: to}
	if q.kind != mmaconv.NoStatistics {
		c.sumSource(v, rest, *q, why)
		return c.values[v].mem
	}
	at := c.activation(s.extent)
	c.stored(v, at)
	c.launchPointwise(&rest, at, why)
	return at
}

// launchConv launches the convolution of a source, with its epilogue.
func (c *compiler) launchConv(s *source, q *statistics, to ref, why string) {
	conv := s.conv
	l := launch{why: why}
	weights, parts := ref{at: &conv.weights.at}, c.p.Batch
	switch {
	case conv.tensor != nil && conv.backward:
		l.on(conv.tensor.Backward(c.p.Batch))
	case conv.tensor != nil:
		l.on(conv.tensor.Forward(c.p.Batch))
	default:
		outputs, rows := 32, 8
		if s.c <= 16 {
			outputs, rows = 16, 16
		}
		tiles := (s.w + 7) / 8 * ((s.h + rows - 1) / rows)
		parts *= tiles
		l.module, l.kernel, l.threads = "conv", fmt.Sprintf("conv%d%s", outputs, c.suffix()), 128
		l.grid = driver.Dim{X: tiles, Y: c.p.Batch, Z: (s.c + outputs - 1) / outputs}
	}
	if conv.tensor != nil {
		weights = ref{at: &conv.weights.half}
	}
	var beside *weightsLaunch // in the same launch
	if conv.tensor != nil && conv.backward {
		if beside = c.besideInput(conv); beside != nil {
			l.on(conv.tensor.Gradients(c.p.Batch))
		}
	}
	if q.kind != mmaconv.NoStatistics {
		q.parts, q.ticket = c.floats(parts*(2*s.c+1)), c.ticket()
	}
	epilogue := source{extent: s.extent, second: s.second, mask: s.mask, relu: s.relu}
	batch := int32(c.p.Batch)
	refs := append(append(append(conv.in.refs(), epilogue.refs()...), q.refs()...), conv.joined, to)
	argument := func() convArgument {
		return convArgument{
			In: conv.in.argument(), Out: epilogue.argument(), Statistics: q.argument(), Weights: weights.ptr(), Stored: to.ptr(),
			Images: batch, Inputs: int32(conv.inputs), Window: int32(conv.window), Pad: int32(conv.pad),
			Stride: int32(conv.stride), Dilation: int32(conv.dilation), Backward: flag(conv.backward),
		}
	}
	l.arguments = func() []any { return []any{argument(), conv.joined.ptr()} }
	if beside != nil {
		l.arguments = func() []any { return []any{argument(), beside.argument()} }
		refs = append(refs, beside.refs()...)
	}
	c.launch(l, refs...)
}

// on fills in a launch on tensor cores.
func (l *launch) on(t mmaconv.Launch) {
	l.module, l.kernel, l.grid, l.threads, l.shared = t.Module, t.Kernel, t.Grid, t.Threads, t.Shared
}

// weightSlices is the number of slices of the batch whose gradients of weights are added in order. More slices are more blocks at once,
// and more bytes: every slice is a copy of the weights in fp32. It depends on nothing but sizes, because it is part of the arithmetic.
func weightSlices(batch, inputs, outputs int) int {
	blocks := max(1, (inputs+15)/16) * max(1, (outputs+15)/16)
	return max(1, min(batch/2, 128/blocks))
}

// weightsLaunch is the gradient of a convolution's weights, ready to be launched.
type weightsLaunch struct {
	x, dy       source
	g           *gradient
	images      int
	w           []int // [O, I, K, K]
	pad, stride int
}

func (l *weightsLaunch) refs() []ref {
	return append(append(l.x.refs(), l.dy.refs()...), l.g.parts)
}

func (l *weightsLaunch) argument() convWeightsArgument {
	return convWeightsArgument{
		X: l.x.argument(), Dy: l.dy.argument(), Parts: l.g.parts.ptr(),
		Images: int32(l.images), Slices: int32(l.g.slices), Inputs: int32(l.w[1]), Pad: int32(l.pad), Stride: int32(l.stride),
	}
}

// prepareWeights makes room for a gradient of weights in so many slices, and finds its sources.
func (c *compiler) prepareWeights(st *plan.Step, slices int) (l *weightsLaunch, err error) {
	l = &weightsLaunch{images: c.p.Batch, w: c.shape(st.Out), pad: st.Attrs.Pad, stride: st.Attrs.Stride}
	if l.x, err = c.read(st.In[0]); err != nil {
		return nil, err
	}
	if l.dy, err = c.read(st.In[1]); err != nil {
		return nil, err
	}
	if t := c.tensorShape(c.shape(st.In[0]), l.w, st.Attrs); t != nil {
		if err := t.CheckWeights(l.x.argument(), l.dy.argument()); err != nil {
			return nil, err
		}
	}
	size := c.p.Values[st.Out].Shape.TotalSize()
	l.g = &gradient{sum: c.layout.keep(int64(size) * 4), factor: 1 / c.lossScale, slices: slices}
	l.g.parts = c.floats(slices * size)
	c.gradients[st.Out] = l.g
	return l, nil
}

// besideInput prepares the gradient of the same convolution's weights, to be launched with the gradient of its input; nil if there is none.
// The blocks of the input's gradient leave about half of a GPU to those of the weights, so that there are half as many slices as the
// kernel of its own has.
func (c *compiler) besideInput(conv *convolution) *weightsLaunch {
	for i := range c.p.Steps {
		st := &c.p.Steps[i]
		if plan.KindOf(st) != ops.KindConvGradWeights || st.In[1] != conv.gradient || c.gradients[st.Out] != nil || !conv.weights.shape.Eq(c.p.Values[st.Out].Shape) {
			continue
		}
		if l, err := c.prepareWeights(st, (conv.tensor.Slices(c.p.Batch)+1)/2); err == nil {
			return l
		}
	}
	return nil
}

// convGradWeights: dw = the sum over the batch of the products of x and dy, in slices that the update adds.
func (c *compiler) convGradWeights(st *plan.Step) error {
	if c.gradients[st.Out] != nil {
		return nil // it was launched with the gradient of the input
	}
	w := c.shape(st.Out)
	l := launch{why: c.p.Values[st.Out].Name}
	slices := weightSlices(c.p.Batch, w[1], w[0])
	if t := c.tensorShape(c.shape(st.In[0]), w, st.Attrs); t != nil {
		slices = t.Slices(c.p.Batch)
		l.on(t.Weights(c.p.Batch))
	} else {
		l.module, l.kernel, l.threads = "conv_weights", fmt.Sprintf("conv_weights%d%d%s", w[2], st.Attrs.Stride, c.suffix()), 128
		l.grid = driver.Dim{X: slices, Y: (w[1] + 15) / 16, Z: (w[0] + 15) / 16}
	}
	gradient, err := c.prepareWeights(st, slices)
	if err != nil {
		return err
	}
	l.arguments = func() []any { return []any{gradient.argument()} }
	c.launch(l, gradient.refs()...)
	return nil
}
