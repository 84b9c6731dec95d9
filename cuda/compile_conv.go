//go:build gpu

package cuda

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/internal/plan"
)

// conv: y = w * x, launched when it is known what is summed over it.
func (c *compiler) conv(st *plan.Step) error {
	in, joined, err := c.join(st)
	if err != nil {
		return err
	}
	return c.deferConv(st, st.In[1], convolution{in: in, joined: joined, inputs: c.shape(st.In[0])[1], pad: st.Attrs.Pad, stride: st.Attrs.Stride, dilation: 1})
}

// join reads a convolution's input. A source that costs reading two tensors, the end of a residual block, is stored by the convolution
// on its way, if its window covers all pixels.
func (c *compiler) join(st *plan.Step) (source, ref, error) {
	v := st.In[0]
	at := c.values[v]
	if window := c.shape(st.In[1])[2]; !at.mem.isNull() || at.source == nil || at.source.isTerm() || at.source.conv != nil || window < st.Attrs.Stride {
		in, err := c.read(v)
		return in, ref{}, err
	}
	to := c.activation(at.source.extent)
	c.stored(v, to)
	at.by = st.Out
	return *at.source, to, nil
}

// convGradInput: dx from w and dy, a convolution with the window turned round.
func (c *compiler) convGradInput(st *plan.Step) error {
	in, err := c.read(st.In[1])
	if err != nil {
		return err
	}
	window := c.shape(st.In[0])[2]
	return c.deferConv(st, st.In[0], convolution{in: in, inputs: c.shape(st.In[1])[1], pad: window - 1 - st.Attrs.Pad, stride: 1, dilation: st.Attrs.Stride, backward: true})
}

func (c *compiler) deferConv(st *plan.Step, weights plan.ValueID, v convolution) error {
	v.weights, v.images, v.window = c.store.values[c.p.Values[weights].Name], c.p.Batch, c.shape(weights)[2]
	c.note(st.Out, source{extent: c.extent(st.Out), conv: &v})
	return nil
}

// convolve launches a convolution that makes value v, with what its epilogue does.
func (c *compiler) convolve(v plan.ValueID, s *source, q *statistics) ref {
	to := c.activation(s.extent)
	c.stored(v, to)
	conv := s.conv
	conv.joined.use(c.now())
	outputs, rows := 32, 8
	if s.c <= 16 {
		outputs, rows = 16, 16
	}
	tiles := (s.w + 7) / 8 * ((s.h + rows - 1) / rows)
	if q == nil {
		q = &statistics{}
	} else {
		q.parts, q.ticket = c.floats(tiles*c.p.Batch*(2*s.c+1)), c.ticket()
	}
	epilogue := source{extent: s.extent, second: s.second, mask: s.mask, relu: s.relu}
	refs := append(append(append(conv.in.refs(), epilogue.refs()...), q.refs()...), to)
	weights := ref{at: &conv.weights.at}
	c.launch(launch{
		kernel: fmt.Sprintf("conv%d%s", outputs, c.suffix()), why: c.p.Values[v].Name,
		grid: driver.Dim{X: tiles, Y: c.p.Batch, Z: (s.c + outputs - 1) / outputs}, threads: 128,
		arguments: func() []any {
			a := convArgument{
				In: conv.in.argument(), Out: epilogue.argument(), Statistics: q.argument(), Weights: weights.ptr(), Stored: to.ptr(),
				Images: int32(conv.images), Inputs: int32(conv.inputs),
				Window: int32(conv.window), Pad: int32(conv.pad), Stride: int32(conv.stride), Dilation: int32(conv.dilation),
			}
			if conv.backward {
				a.Backward = 1
			}
			return []any{a, conv.joined.ptr()}
		},
	}, refs...)
	return to
}

// Slices of the batch whose gradients of weights are added in order: more for few channels, where a slice has few blocks.
func weightSlices(batch, inputs, outputs int) int {
	blocks := max(1, (inputs+15)/16) * max(1, (outputs+15)/16)
	return max(1, min(batch/2, 128/blocks))
}

// convGradWeights: dw = the sum over the batch of the products of x and dy, in slices that the update adds.
func (c *compiler) convGradWeights(st *plan.Step) error {
	x, err := c.read(st.In[0])
	if err != nil {
		return err
	}
	dy, err := c.read(st.In[1])
	if err != nil {
		return err
	}
	w := c.shape(st.Out) // [O, I, K, K]
	size := w[0] * w[1] * w[2] * w[3]
	g := &gradient{slices: weightSlices(c.p.Batch, w[1], w[0]), sum: c.layout.keep(int64(size) * 4), factor: 1 / c.lossScale}
	g.parts = c.floats(g.slices * size)
	c.gradients[st.Out] = g
	images, pad, stride := int32(c.p.Batch), int32(st.Attrs.Pad), int32(st.Attrs.Stride)
	c.launch(launch{
		kernel: fmt.Sprintf("conv_weights%d%d%s", w[2], stride, c.suffix()), why: c.p.Values[st.Out].Name,
		grid: driver.Dim{X: g.slices, Y: (w[1] + 15) / 16, Z: (w[0] + 15) / 16}, threads: 128,
		arguments: func() []any {
			return []any{convWeightsArgument{
				X: x.argument(), Dy: dy.argument(), Parts: g.parts.ptr(),
				Images: images, Slices: int32(g.slices), Inputs: int32(w[1]), Pad: pad, Stride: stride,
			}}
		},
	}, append(append(x.refs(), dy.refs()...), g.parts)...)
	return nil
}
