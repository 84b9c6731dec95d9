package lower

import (
	"fmt"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// convolution is one that is launched when it is known what happens to its result.
type convolution struct {
	arguments Convolution // all but the epilogue, the statistics and the place of the result
	joined    Ref         // where the input's values are stored on the way, or null
	tensor    *MMAShape   // for tensor cores; nil: the kernel for any shape
	weights   *plan.Step  // backward: the gradient of the weights that may share the launch, or nil
	why       string
}

// newConvolution is one of x [N, I, H, W] with w [O, I, K, K], in either direction, on tensor cores if there is a kernel for the shape.
func (l *lowering) newConvolution(st *plan.Step, weights plan.ValueID, x []int) (*convolution, error) {
	w := l.shape(weights)
	if !areParams(l.p, []plan.ValueID{weights}) {
		return nil, fmt.Errorf("the weights %s are no parameter", l.name(weights))
	}
	c := &convolution{tensor: l.tensorShape(x, w, st.Attrs), why: st.Name() + " " + l.name(weights)}
	c.arguments = Convolution{Images: int32(l.p.Batch), Window: int32(w[2]), Weights: l.values[weights].at}
	if c.tensor != nil {
		c.arguments.Weights.Space = InStoreHalf
	}
	return c, nil
}

// tensorShape is a convolution's shape if there are tensor-core kernels for it, else nil.
func (l *lowering) tensorShape(x, w []int, a ops.Attrs) *MMAShape {
	s := MMAShape{In: w[1], Out: w[0], Side: x[2], Stride: a.Stride, Window: w[2]}
	if !l.mixed || x[2] != x[3] || a.Pad != w[2]/2 || !s.Supported() {
		return nil
	}
	return &s
}

// conv: y = w * x, launched when it is known what is summed over it.
func (l *lowering) conv(st *plan.Step) error {
	x := l.shape(st.In[0])
	if l.needsGeneral(x, l.shape(st.In[1]), st.Attrs) {
		return l.generalConv(st)
	}
	c, err := l.newConvolution(st, st.In[1], x)
	if err != nil {
		return err
	}
	a := &c.arguments
	a.Inputs, a.Pad, a.Stride, a.Dilation = int32(x[1]), int32(st.Attrs.Pad), int32(st.Attrs.Stride), 1
	l.define(st.Out, expression{Source: l.extent(st.Out), conv: c})
	return l.readInput(st, c)
}

// readInput decides how a convolution reads its input. An expression of two terms, the end of a residual block, is stored by the
// convolution on its way, if its window covers all pixels.
func (l *lowering) readInput(st *plan.Step, c *convolution) (err error) {
	v := st.In[0]
	x := &l.values[v]
	switch {
	case !x.isLazy() || x.lazy.conv != nil || c.checkInput(x.lazy.Source) != nil:
		_, err = l.materialize(v)
	case !x.lazy.isTerm() && c.arguments.Window >= c.arguments.Stride:
		c.arguments.In, c.joined = x.lazy.Source, l.activation(l.name(v), x.lazy.Source)
		x.at, x.storedBy = c.joined, st.Out
		return nil
	}
	if err == nil {
		c.arguments.In, err = l.source(v)
	}
	return err
}

// convGradInput: dx from w and dy, a convolution with the window turned round.
func (l *lowering) convGradInput(st *plan.Step) error {
	w, attrs := l.shape(st.In[0]), st.Attrs
	if l.needsGeneral(l.shape(st.Out), w, attrs) {
		return l.generalGradInput(st)
	}
	c, err := l.newConvolution(st, st.In[0], l.shape(st.Out))
	if err != nil {
		return err
	}
	a := &c.arguments
	a.Inputs, a.Pad, a.Stride, a.Dilation, a.Backward = int32(w[0]), int32(w[2]-1-attrs.Pad), 1, int32(attrs.Stride), 1
	if c.tensor != nil {
		c.weights = l.groups.weights[st.Out]
	}
	if a.In, err = l.source(st.In[1]); err != nil {
		return err
	}
	extent := l.extent(st.Out)
	if c.tensor == nil || c.tensor.GradientSide() == int(extent.Height) {
		l.define(st.Out, expression{Source: extent, conv: c})
		return nil
	}
	// Tensor cores leave out the pixels that a projection does not touch: the result is a small image, to be spread out where it is read.
	little := extent
	little.Height, little.Width = int32(c.tensor.GradientSide()), int32(c.tensor.GradientSide())
	to := l.activation(l.name(st.Out), little)
	l.launchConvolution(c, little, Statistics{}, to)
	extent.First = Term{Kind: TermSubsampleGradient, X: to, Depth: extent.Channels}
	l.define(st.Out, expression{Source: extent})
	return nil
}

// checkInput returns an error that says why the convolution's kernel cannot evaluate its input.
func (c *convolution) checkInput(in Source) error {
	if c.tensor == nil {
		return nil
	}
	return c.tensor.CheckForward(in, Source{}, Statistics{})
}

// checkEpilogue returns an error that says why the convolution's kernel cannot do an epilogue.
func (c *convolution) checkEpilogue(epilogue Source, q Statistics) error {
	switch {
	case c.tensor == nil:
		return nil
	case c.arguments.Backward != 0:
		return c.tensor.CheckBackward(c.arguments.In, epilogue, q)
	}
	return c.tensor.CheckForward(c.arguments.In, epilogue, q)
}

// convolve launches the convolution of a lazy value, with what follows it and the statistics in its epilogue; what its kernel cannot do,
// another kernel does.
func (l *lowering) convolve(v plan.ValueID, q Statistics) {
	value, name := &l.values[v], l.name(v)
	e := *value.lazy
	to := l.activation(name, e.Source)
	if e.conv.checkEpilogue(e.Source, q) == nil {
		value.at = to
		l.launchConvolution(e.conv, e.Source, q, to)
		return
	}
	l.launchConvolution(e.conv, e.sized(), Statistics{}, to)
	rest := e.Source
	rest.First = Term{Kind: TermTensor, X: to}
	if q.Kind != StatisticsNone {
		l.storeAndSum(v, rest, q)
		return
	}
	value.at = l.activation(name, rest)
	l.pointwise(rest, value.at, name)
}

// launchConvolution launches a convolution; epilogue has the size of the result, and all terms but the first.
func (l *lowering) launchConvolution(c *convolution, epilogue Source, q Statistics, to Ref) {
	k := c.kernel(l, epilogue)
	if q.Kind != StatisticsNone {
		parts := PartsSize(k.Grid.X*k.Grid.Y, int(epilogue.Channels))
		q.Parts, q.Ticket = l.floats("parts of sums", parts), l.ticket()
	}
	a := c.arguments
	a.Out, a.Statistics, a.Stored = epilogue, q, to
	k.Arguments = ConvolutionParameters{a, c.joined}
	together := ""
	if both, ok := l.besideInput(c, a); ok {
		k, together = both, "; "+plan.KindOf(c.weights).String()
	}
	k.Why = c.why + described(epilogue) + q.described() + together
	l.launch(k)
}

// described says what a kernel does to its first term.
func described(s Source) string {
	what := ""
	if s.Second.Kind != TermNone {
		what += ", add"
	}
	if s.ReLU != 0 {
		what += ", relu"
	}
	if s.Mask.Kind != TermNone {
		what += ", relu-grad"
	}
	return what
}

// described says what is summed.
func (q Statistics) described() string {
	return [...]string{"", ", moments", ", normalize-sums"}[q.Kind]
}

// kernel is the launch of a convolution to a result of some size, without arguments; the blocks of x and y each sum for themselves.
func (c *convolution) kernel(l *lowering, result Source) Launch {
	switch {
	case c.tensor != nil && c.arguments.Backward != 0:
		return c.tensor.Backward(l.p.Batch)
	case c.tensor != nil:
		return c.tensor.Forward(l.p.Batch)
	}
	outputs, rows := 32, 8
	if result.Channels <= 16 {
		outputs, rows = 16, 16
	}
	h, w, channels := int(result.Height), int(result.Width), int(result.Channels)
	return Launch{
		Module: "conv", Kernel: fmt.Sprintf("conv%d%s", outputs, l.suffix()), Threads: 128,
		Grid: Dim{CeilDiv(w, 8) * CeilDiv(h, rows), l.p.Batch, CeilDiv(channels, outputs)},
	}
}
