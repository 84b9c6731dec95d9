package cpu

import (
	"slices"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// Values of mixed precision that cross levels are widened for the steps that read them, but some passes have kernels that read and write
// them as they are kept: batch norm's, and the gradient of a ReLU with its sums. What they compute has the same bits.

// narrow reports whether the current step may read a value in two bytes. Where the level has it widened, for another step, that is nearer.
func (c *compiler) narrow(v plan.ValueID, kept format) bool {
	at, u := c.s.places[v], use{v, c.index}
	return at != nil && !at.local && at.kept == kept && c.s.kernels.hasNarrow(at.shape.c) && c.pads[u] == 0 && c.copies[u] == nil
}

// hasNarrow reports whether there are kernels that read pixels of so many channels in two bytes.
func (k kernels) hasNarrow(channels int) bool { return k.bf16 && channels%(2*lanes) == 0 }

// provideFor makes sure that a level has what a step reads in the form that it wants.
func (c *compiler) provideFor(st *plan.Step) {
	for _, v := range st.In {
		if !c.readsNarrow(st, v) {
			c.provide(v)
		}
	}
}

// readsNarrow reports whether a step reads one of its inputs in two bytes.
func (c *compiler) readsNarrow(st *plan.Step, v plan.ValueID) bool {
	switch plan.KindOf(st) {
	case ops.KindNormalize:
		return v == st.In[0] && c.narrow(v, float16)
	case ops.KindNormalizeGradInput:
		x, g := st.In[0], st.In[3]
		return (v == x || v == g) && c.narrow(x, float16) && c.narrow(g, bfloat16)
	}
	return false
}

// narrowSums reports whether the gradient of a ReLU and its sums read what was normalised in two bytes, and write the gradient so, which
// nothing else in the level reads.
func (c *compiler) narrowSums(relu, sums *plan.Step) bool {
	p := c.s.program
	if !c.narrow(sums.In[0], float16) || c.s.places[relu.Out].kept != bfloat16 {
		return false
	}
	for i := range p.Steps {
		st := &p.Steps[i]
		if st.Level == c.index && st != sums && slices.Contains(st.Reads(), relu.Out) {
			return false
		}
	}
	return true
}
