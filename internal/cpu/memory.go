package cpu

import (
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// Memory is how many bytes a session of a program takes: activations and their gradients, parameters, momenta, gradients and packed weights,
// sums of chunks; and how many the system and the control groups of the process have left; 0 where they do not tell.
func (b *Backend) Memory(p *plan.Program, precision device.Precision) (need, available int64) {
	c := newCompiler(&session{program: p, kernels: b.kernelsFor(precision)})
	return 4 * int64(c.placeValues()+c.ofWeights(b.threads)), memoryLeft("/")
}

// ofWeights is the number of floats of parameters and of what is made of them.
func (c *compiler) ofWeights(threads int) (floats int) {
	p, k := c.s.program, c.s.kernels
	for _, u := range p.Params {
		size := p.Values[u.Value].Shape.TotalSize()
		floats += 2 * size // and its momentum
		if u.Gradient != plan.None {
			floats += size
		}
	}
	shared := 0 // by the layers
	for i := range p.Steps {
		st := &p.Steps[i]
		x, w, y := convolutionOf(st)
		if x == plan.None {
			continue
		}
		ws := p.Values[w].Shape
		g, large := geometryOf(p.Values[x].Shape, ws, p.Values[y].Shape, st.Attrs), k.overBatch(p, st)
		switch {
		case large && st.Kind == ops.KindConvGradWeights:
			ofX, ofY := newLargeGradWeights(k, g, p.Batch).room()
			shared = max(shared, ofX+ofY)
		case large:
			floats += ws.TotalSize() / 2
		case st.Kind == ops.KindConvGradWeights:
			blocks := 1 + min(c.chunks(), threads+1)
			floats += blocks * k.newConvGradWeights(g, ws[1], ws[0]).size()
		case st.Kind == ops.KindConvGradInput:
			floats += k.newConvGradInput(g, ws[1], ws[0]).packed()
		default:
			floats += k.newConv(g, ws[1], ws[0]).packed()
		}
	}
	return floats + shared
}

// checkMemory returns an error where a program needs more memory than there is.
func (b *Backend) checkMemory(p *plan.Program, precision device.Precision) error {
	need, available := b.Memory(p, precision)
	if available == 0 || need <= available {
		return nil
	}
	const gb = 1e9
	return fail.Device("a batch of %d images needs %.1f GB of memory, and %.1f GB are available\nlower train.batch or choose a smaller model.name",
		p.Batch, float64(need)/gb, float64(available)/gb)
}
