package cpu

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// geometryOf is the convolution of a step from the logical shapes of its input, weights and output.
func geometryOf(x, w, y []int, a ops.Attrs) geometry {
	return geometry{H: x[2], W: x[3], C: stored(x[1]), OH: y[2], OW: y[3], O: stored(y[1]), K: w[2], Stride: a.Stride, Pad: a.Pad}
}

// conv: y = w * x.
func (c *compiler) conv(st *plan.Step) {
	c.convolve(st, c.s.kernels.newConv, st.In[0], st.In[1], st.In[0], st.Out)
}

// convGradInput: dx from w and dy.
func (c *compiler) convGradInput(st *plan.Step) {
	c.convolve(st, c.s.kernels.newConvGradInput, st.In[1], st.In[0], st.Out, st.In[1])
}

// convolve applies weights to from, by the kernel for the convolution of x to y.
func (c *compiler) convolve(st *plan.Step, kernel func(g geometry, in, out int) convolver, from, weights, x, y plan.ValueID) {
	s, p := c.s, c.s.program
	ws := p.Values[weights].Shape
	op := kernel(geometryOf(p.Values[x].Shape, ws, p.Values[y].Shape, st.Attrs), ws[1], ws[0])
	values := c.values(weights)
	s.packs = append(s.packs, packing{weights, func() { op.pack(values()) }})
	s.need.floats += op.packed()
	src, dst := c.read(from), c.write(st.Out)
	work := c.workspace(op.workspace())
	c.cost.moves = op.moves()
	c.cost.flops, c.cost.direct = op.flops(), c.directFlops(weights, p.Values[y].Shape)
	c.do(func(w *worker, n int) { op.run(s.at(dst, w, n), s.at(src, w, n), s.block(work, w), w.clock) })
}

// convGradWeights: dw = the sum over the batch of the products of x and dy.
func (c *compiler) convGradWeights(st *plan.Step) {
	s, k, p := c.s, c.s.kernels, c.s.program
	xs, ws, ys := p.Values[st.In[0]].Shape, p.Values[st.Out].Shape, p.Values[st.In[1]].Shape
	g := geometryOf(xs, ws, ys, st.Attrs)
	op := k.newConvGradWeights(g, ws[1], ws[0])
	result, size := c.result(st.Out), op.size()
	sums := newChunkSums(k, size, s.chunks(), s.threads)
	s.need.blocks += size
	s.need.floats += size
	c.level.sums = append(c.level.sums, sum{reset: sums.begin, end: sums.end, finish: c.unlessLate(st.Out, func() { op.unpack(result, sums.finish()) })})
	x, dy := c.read(st.In[0]), c.read(st.In[1])
	work := c.workspace(op.workspace())
	c.cost.moves = op.moves()
	c.cost.flops, c.cost.direct = op.flops(), c.directFlops(st.Out, ys)
	if op.kept() {
		work.buffer.First, work.buffer.Last = 0, len(p.Steps)
	}
	c.do(func(w *worker, n int) {
		at := turn{n % imagesPerChunk, (n+1)%imagesPerChunk == 0 || n+1 == p.Batch}
		op.run(sums.of[n/imagesPerChunk], s.at(x, w, n), s.at(dy, w, n), s.block(work, w), at, w.clock)
	})
}

// directFlops is the number of floating-point operations of a convolution to images of shape y, two for each product.
func (c *compiler) directFlops(weights plan.ValueID, y []int) float64 {
	return 2 * float64(c.s.program.Values[weights].Shape.TotalSize()*y[2]*y[3])
}

// workspace is scratch room for one step; nil for none.
func (c *compiler) workspace(floats int) *place {
	if floats == 0 {
		return nil
	}
	return c.room(&place{shape: area{1, 1, floats}})
}

func (s *session) block(p *place, w *worker) []float32 {
	if p == nil {
		return nil
	}
	return w.scratch[p.off:][:p.shape.c]
}

// gradientPad is the border that a convolution's input gradient wants around the gradient of its output.
func gradientPad(st *plan.Step, p *plan.Program) int {
	return gradInputPad(p.Values[st.In[0]].Shape[2], st.Attrs.Stride, st.Attrs.Pad)
}
