package lower

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// generalTile is how many rows and columns of a product a block of kernels/general.h computes.
const generalTile = 64

// generalBlocks is how many blocks the gradient of weights is cut into at least, where the batch has as many images: two for each of 132
// multiprocessors. It is part of the arithmetic, because the slices of a sum follow from it.
const generalBlocks = 264

// needsGeneral reports whether a convolution of x [N, I, H, W] with w [O, I, K, K] is for the kernels of any size: because the others cannot
// take it, or because the image is larger than those that they are made for. There every block of theirs, of one image and a few rows, would
// leave sums for one block to add up; with fewer than 64 channels they still do less work.
func (l *lowering) needsGeneral(x, w []int, a ops.Attrs) bool {
	const side, narrow = 32, 64
	if !fitsBlock(w, a) {
		return true
	}
	return !l.mixed && max(x[2], x[3]) > side && min(w[0], w[1]) >= narrow
}

// fitsBlock reports whether the kernels of kernels/conv.cu and conv_weights.cu take a convolution with w [O, I, K, K].
func fitsBlock(w []int, a ops.Attrs) bool {
	return max(w[0], w[1]) <= maxChannels && (w[2] == 1 || w[2] == 3) && a.Stride <= 2 && a.Pad < w[2]
}

// newGeneral are the sizes of a convolution of x [N, I, H, W] with w [O, I, K, K] and a result y.
func (l *lowering) newGeneral(x, w, y []int, a ops.Attrs) General {
	return General{
		Images: int32(l.p.Batch), High: int32(x[2]), Wide: int32(x[3]), Channels: int32(storedChannels(x[1])),
		YHigh: int32(y[2]), YWide: int32(y[3]), Outputs: int32(w[0]), Inputs: int32(w[1]), Window: int32(w[2]), Stride: int32(a.Stride), Pad: int32(a.Pad),
	}
}

// generalConv: y = w * x.
func (l *lowering) generalConv(st *plan.Step) (err error) {
	g := l.newGeneral(l.shape(st.In[0]), l.shape(st.In[1]), l.shape(st.Out), st.Attrs)
	if g.X, err = l.materialize(st.In[0]); err != nil {
		return err
	}
	rows := l.p.Batch * int(g.YHigh*g.YWide)
	return l.launchGeneral(st, st.In[1], g, "general_conv", Dim{tiles(rows), tiles(int(g.Outputs)), 1})
}

// generalGradInput: dx from w and dy. Pixels of a class have the same taps (kernels/general_conv.cu).
func (l *lowering) generalGradInput(st *plan.Step) (err error) {
	g := l.newGeneral(l.shape(st.Out), l.shape(st.In[0]), l.shape(st.In[1]), st.Attrs)
	if g.Y, err = l.materialize(st.In[1]); err != nil {
		return err
	}
	s := int(g.Stride)
	rows := l.p.Batch * ((int(g.High) + s - 1) / s) * ((int(g.Wide) + s - 1) / s)
	return l.launchGeneral(st, st.In[0], g, "general_conv_gradient", Dim{tiles(rows), tiles(int(g.Inputs)), s * s})
}

// launchGeneral launches a convolution whose result is a stored tensor.
func (l *lowering) launchGeneral(st *plan.Step, weights plan.ValueID, g General, kernel string, grid Dim) (err error) {
	if g.Weights, err = l.smallRef(weights); err != nil {
		return err
	}
	g.Result = l.activation(l.name(st.Out), l.extent(st.Out))
	l.define(st.Out, expression{Source: l.extent(st.Out)})
	l.values[st.Out].at = g.Result
	l.launch(Launch{
		Module: "general_conv", Kernel: kernel, Why: st.Name() + " " + l.name(weights), Grid: grid, Threads: 256, Arguments: GeneralParameters{g},
	})
	return nil
}

// generalGradWeights: dw from x and dy, in slices that the update adds.
func (l *lowering) generalGradWeights(st *plan.Step) (err error) {
	w := l.shape(st.Out)
	g := l.newGeneral(l.shape(st.In[0]), w, l.shape(st.In[1]), st.Attrs)
	if g.X, err = l.materialize(st.In[0]); err != nil {
		return err
	}
	if g.Y, err = l.materialize(st.In[1]); err != nil {
		return err
	}
	rows, columns := tiles(w[2]*w[2]*int(g.Channels)), tiles(w[0])
	slices := max(1, min(l.p.Batch, generalBlocks/(rows*columns)))
	g.Slices = int32(slices)
	g.Result = l.slices(st, slices)
	l.launch(Launch{
		Module: "general_weights", Kernel: "general_conv_weights", Why: st.Name() + " of " + l.parameterOf(st.Out),
		Grid: Dim{slices, rows, columns}, Threads: 256, Arguments: GeneralParameters{g},
	})
	return nil
}

func tiles(n int) int { return (n + generalTile - 1) / generalTile }
