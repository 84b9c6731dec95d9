package lower

import (
	"fmt"

	"longtail/internal/device"
	"longtail/internal/plan"
)

// slicedGradient is the gradient of a convolution's weights, in slices of the batch that the update adds.
type slicedGradient struct {
	parts  Ref // [slices, K, K, I, O]
	sum    Ref // factor times the sum of the slices, for the host
	slices int
	factor float32
}

// convGradWeights: dw = the sum over the batch of the products of x and dy.
func (l *lowering) convGradWeights(st *plan.Step) error {
	if l.gradients[st.Out] != nil {
		return nil // it shared the launch of the input's gradient
	}
	w := l.shape(st.Out)
	if l.needsGeneral(l.shape(st.In[0]), w, st.Attrs) {
		return l.generalGradWeights(st)
	}
	var k Launch
	if t := l.tensorShape(l.shape(st.In[0]), w, st.Attrs); t != nil {
		k = t.Weights(l.p.Batch)
	} else {
		slices := weightSlices(l.p.Batch, w[1], w[0])
		k = Launch{
			Module: "conv_weights", Kernel: fmt.Sprintf("conv_weights%d%d%s", w[2], st.Attrs.Stride, l.suffix()), Threads: 128,
			Grid: Dim{slices, CeilDiv(w[1], 16), CeilDiv(w[0], 16)},
		}
	}
	arguments, err := l.weightsArguments(st, k.Grid.X)
	if err != nil {
		return err
	}
	k.Why, k.Arguments = st.Name()+" of "+l.parameterOf(st.Out), ConvWeightsParameters{arguments}
	l.launch(k)
	return nil
}

// weightSlices is the number of slices of the batch whose gradients of weights are added in order. More slices are more blocks at once,
// and more bytes: every slice is a copy of the weights in fp32. It depends on nothing but sizes, because it is part of the arithmetic.
func weightSlices(batch, inputs, outputs int) int {
	blocks := max(1, CeilDiv(inputs, 16)) * max(1, CeilDiv(outputs, 16))
	return max(1, min(batch/2, 128/blocks))
}

// besideInput is the launch of both gradients of a convolution, where the kernel takes the weights' too. The blocks of the input's gradient
// leave about half of a GPU to those of the weights, so that there are half as many slices as the kernel of its own has.
func (l *lowering) besideInput(c *convolution, input Convolution) (Launch, bool) {
	if c.weights == nil {
		return Launch{}, false
	}
	slices := CeilDiv(c.tensor.Slices(l.p.Batch), 2)
	weights, err := l.weightsArguments(c.weights, slices)
	if err != nil {
		return Launch{}, false // the step of the weights' gradient launches it, or returns the error
	}
	k := c.tensor.Gradients(l.p.Batch, slices)
	k.Arguments = GradientsParameters{input, weights}
	return k, true
}

// weightsArguments finds the sources of a gradient of weights and makes room for its slices.
func (l *lowering) weightsArguments(st *plan.Step, slices int) (ConvWeights, error) {
	w := l.shape(st.Out)
	a := ConvWeights{
		Images: int32(l.p.Batch), Slices: int32(slices), Inputs: int32(w[1]), Pad: int32(st.Attrs.Pad), Stride: int32(st.Attrs.Stride),
	}
	var err error
	if a.X, err = l.source(st.In[0]); err != nil {
		return a, err
	}
	if a.Dy, err = l.source(st.In[1]); err != nil {
		return a, err
	}
	if t := l.tensorShape(l.shape(st.In[0]), w, st.Attrs); t != nil {
		if err := t.CheckWeights(a.X, a.Dy); err != nil {
			return a, err
		}
	}
	a.Parts = l.slices(st, slices)
	return a, nil
}

// slices makes room for the slices of a gradient of weights, and for their sum.
func (l *lowering) slices(st *plan.Step, slices int) Ref {
	size := l.p.Values[st.Out].Shape.TotalSize()
	name := device.GradientPrefix + l.parameterOf(st.Out)
	parts := l.floats("slices of "+name, slices*size)
	l.gradients[st.Out] = &slicedGradient{parts, l.floats(name, size), slices, 1 / l.lossScale}
	return parts
}

// parameterOf is the name of the parameter that a value is the gradient of.
func (l *lowering) parameterOf(gradient plan.ValueID) string {
	for _, u := range l.p.Params {
		if u.Gradient == gradient {
			return l.name(u.Value)
		}
	}
	return "nothing"
}
