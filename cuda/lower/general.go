package lower

import (
	"fmt"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// generalColumns is how many columns of a product a block of kernels/general.h and general_mma.h computes.
const generalColumns = 64

// generalBlocks is how many blocks the gradient of weights is cut into at least, where the batch has as many images: two for each of 132
// multiprocessors. It is part of the arithmetic, because the slices of a sum follow from it. On tensor cores a product of as many tiles of 128 rows
// takes those, others take tiles of 64, so that slices, each a copy of the weights, are no more than in fp32.
const generalBlocks = 264

// needsGeneral reports whether a convolution of x [N, I, H, W] with w [O, I, K, K] is for the kernels of any size: because the others cannot
// take it, or because the image is larger than those that they are made for. There every block of theirs, of one image and a few rows, would
// leave sums for one block to add up; with fewer than 64 channels they still do less work. In mixed precision all convolutions of a network are,
// or none: those of any size have tensor cores.
func (l *lowering) needsGeneral(x, w []int, a ops.Attrs) bool {
	const side, narrow = 32, 64
	if l.mixed {
		return l.large
	}
	return !fitsBlock(w, a) || max(x[2], x[3]) > side && min(w[0], w[1]) >= narrow
}

// isLarge reports whether a program has a convolution that the fused kernels do not take.
func isLarge(p *plan.Program) bool {
	for i := range p.Steps {
		if w, isConv := convWeights(p, &p.Steps[i]); isConv && !fitsBlock(w, p.Steps[i].Attrs) {
			return true
		}
	}
	return false
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

// generalPass names the kernels of a pass: in fp32 and their module, and in mixed precision.
type generalPass struct{ module, single, mixed string }

var (
	generalForward  = generalPass{"general_conv", "general_conv", "general_mma_conv"}
	generalBackward = generalPass{"general_conv", "general_conv_gradient", "general_mma_gradient"}
	generalWeights  = generalPass{"general_weights", "general_conv_weights", "general_mma_weights"}
)

// generalStems are the kernels of tensor cores for images of at most 4 channels.
var generalStems = map[string]string{generalForward.mixed: "general_mma_stem", generalWeights.mixed: "general_mma_stem_weights"}

// newGeneralLaunch is the launch of a pass without its grid and arguments, and how many tiles the rows of its product make and the columns. There
// are `products` of that size.
func (l *lowering) newGeneralLaunch(pass generalPass, g General, rows, columns, products int) (k Launch, high, wide int) {
	high, wide = CeilDiv(rows, 64), CeilDiv(columns, generalColumns)
	if !l.mixed {
		return Launch{Module: pass.module, Kernel: pass.single, Threads: 256}, high, wide
	}
	k = Launch{Module: "general_mma", Kernel: pass.mixed + "_64", Threads: 128}
	tall := CeilDiv(rows, 128)
	switch stem := generalStems[pass.mixed]; {
	case g.Channels == 4 && stem != "":
		k.Kernel, high = stem, tall
	case tall*wide*products >= generalBlocks:
		k.Kernel, high = pass.mixed+"_128", tall
	}
	return k, high, wide
}

// generalConv: y = w * x.
func (l *lowering) generalConv(st *plan.Step) (err error) {
	g := l.newGeneral(l.shape(st.In[0]), l.shape(st.In[1]), l.shape(st.Out), st.Attrs)
	if g.X, err = l.materialize(st.In[0]); err != nil {
		return err
	}
	k, high, wide := l.newGeneralLaunch(generalForward, g, l.p.Batch*int(g.YHigh*g.YWide), int(g.Outputs), 1)
	k.Grid = Dim{high, wide, 1}
	return l.launchGeneral(st, st.In[1], g, k)
}

// generalGradInput: dx from w and dy. Pixels of a class have the same taps (kernels/general_conv.cu).
func (l *lowering) generalGradInput(st *plan.Step) (err error) {
	g := l.newGeneral(l.shape(st.Out), l.shape(st.In[0]), l.shape(st.In[1]), st.Attrs)
	if g.Y, err = l.materialize(st.In[1]); err != nil {
		return err
	}
	s := int(g.Stride)
	rows := l.p.Batch * CeilDiv(int(g.High), s) * CeilDiv(int(g.Wide), s)
	k, high, wide := l.newGeneralLaunch(generalBackward, g, rows, int(g.Inputs), s*s)
	k.Grid = Dim{high, wide, s * s}
	return l.launchGeneral(st, st.In[0], g, k)
}

// launchGeneral launches a convolution whose result is a stored tensor.
func (l *lowering) launchGeneral(st *plan.Step, weights plan.ValueID, g General, k Launch) (err error) {
	if g.Weights, err = l.smallRef(weights); err != nil {
		return err
	}
	if l.mixed {
		if g.Weights.Space != InStore {
			return fmt.Errorf("the weights %s are no parameter", l.name(weights))
		}
		g.Weights.Space = InStoreHalf
	}
	g.Result = l.storeResult(st.Out)
	k.Why, k.Arguments = st.Name()+" "+l.name(weights), GeneralParameters{g}
	l.launch(k)
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
	k, high, wide := l.newGeneralLaunch(generalWeights, g, w[2]*w[2]*int(g.Channels), w[0], 1)
	slices := max(1, min(l.p.Batch, generalBlocks/(high*wide)))
	g.Slices = int32(slices)
	g.Result = l.slices(st, slices)
	k.Why, k.Grid, k.Arguments = st.Name()+" of "+l.parameterOf(st.Out), Dim{slices, high, wide}, GeneralParameters{g}
	l.launch(k)
	return nil
}
