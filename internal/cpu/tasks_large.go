package cpu

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// batchPass is work of a level on the values of all images, after its tasks: parts that may run at the same time.
type batchPass struct {
	cost    cost
	parts   int
	scratch int // floats a worker needs
	run     func(w *worker, part int)
}

// room makes the scratch block at least so large.
func (w *worker) room(floats int) {
	if len(w.scratch) < floats {
		w.scratch = make([]float32, floats)
	}
}

func (c *compiler) addPass(p batchPass) {
	c.level.passes = append(c.level.passes, p)
	c.s.need.scratch = max(c.s.need.scratch, p.scratch)
	total := &c.s.perImage
	total.bytes, total.flops, total.direct = total.bytes+p.cost.bytes, total.flops+p.cost.flops, total.direct+p.cost.direct
}

// large compiles a convolution that overBatch chooses.
func (c *compiler) large(i int) {
	st := &c.s.program.Steps[i]
	switch st.Kind {
	case ops.KindConv:
		c.largeConvolve(st, st.In[0], st.In[1], c.momentsOf(i))
	case ops.KindConvGradInput:
		c.largeConvolve(st, st.In[1], st.In[0], nil)
	default:
		c.largeGradWeights(st)
	}
}

// largeConvolve applies weights to from, and adds up the moments of what it writes unless moments is nil.
func (c *compiler) largeConvolve(st *plan.Step, from, weights plan.ValueID, moments *plan.Step) {
	s, p := c.s, c.s.program
	x, w, y := convolutionOf(st)
	g := geometryOf(p.Values[x].Shape, p.Values[w].Shape, p.Values[y].Shape, st.Attrs)
	direct := s.kernels.newDirect(g, g.C, g.O)
	if st.Kind == ops.KindConvGradInput {
		direct = s.kernels.newDirectGradInput(g, g.C, g.O)
	}
	src, dst := s.places[from], s.places[st.Out]
	op := newLargeConv(s.kernels, direct, src.shape, dst.shape, p.Batch)
	c.packs(weights, op)
	after := func(*largeTask, []float32) {}
	if moments != nil {
		after = c.largeMoments(moments, op)
	}
	cost := c.cost
	cost.flops, cost.direct, cost.bytes = direct.flops(), c.directFlops(weights, p.Values[y].Shape), src.bytes()+dst.bytes()
	c.addPass(batchPass{cost: cost, parts: len(op.tasks), scratch: op.workspace(), run: func(w *worker, part int) {
		t := &op.tasks[part]
		after(t, op.run(t, s.allHalves(dst), dst.kept, s.allHalves(src), src.kept, w.scratch))
	}})
}

// allHalves are the numbers of all images in a place of such.
func (s *session) allHalves(p *place) []uint16 {
	return halves(s.arena[p.off:][:p.stride*s.program.Batch])
}

// packs brings the weights to a convolution before a step; those who have the same weights get them together.
func (c *compiler) packs(weights plan.ValueID, op *largeConv) {
	for i := range op.direct.parts {
		p := &op.direct.parts[i]
		p.panels = c.s.floats(op.direct.out * op.pairs(p))
		hugePages(p.panels)
	}
	if w := c.packers[weights]; w != nil {
		w.users = append(w.users, op)
		return
	}
	s := c.s
	shape := s.program.Values[weights].Shape
	w := &weightPacker{
		kernels: s.kernels, values: c.values(weights), out: shape[0], in: shape[1], taps: shape[2] * shape[3], users: []*largeConv{op},
	}
	c.packers[weights] = w
	for o := 0; o < w.out; o += wideColumns {
		s.packs = append(s.packs, packing{weights, func() { w.pack(o) }})
	}
}

// momentsOf is the step of the moments of what step i writes, in the same level; nil for none.
func (c *compiler) momentsOf(i int) *plan.Step {
	steps := c.s.program.Steps
	for k := i + 1; k < len(steps) && steps[k].Level == steps[i].Level; k++ {
		if plan.KindOf(&steps[k]) == ops.KindMoments && steps[k].In[0] == steps[i].Out {
			c.done[k] = true
			return &steps[k]
		}
	}
	return nil
}

// largeMoments adds up the moments of each block of rows by itself, and merges them in order.
func (c *compiler) largeMoments(st *plan.Step, op *largeConv) func(t *largeTask, values []float32) {
	k, channels, result := c.s.kernels, op.direct.out, c.result(st.Out)
	partial := make([]float64, op.blocks*2*channels) // a block: mean [c], sum of squared deviations [c]
	rows := make([]int, op.blocks)
	for i := range op.tasks {
		t := &op.tasks[i]
		rows[t.block] = t.last - t.first
	}
	of := func(block int) (mean, m2 []float64) {
		at := partial[block*2*channels:]
		return at[:channels], at[channels : 2*channels]
	}
	c.level.sums = append(c.level.sums, sum{finish: func() {
		mean, m2 := of(0)
		all := rows[0]
		for block := 1; block < op.blocks; block++ {
			otherMean, otherM2 := of(block)
			mergeMoments(mean, m2, all, otherMean, otherM2, rows[block])
			all += rows[block]
		}
		for i := range channels {
			result[i], result[channels+i] = float32(mean[i]), float32(m2[i]/float64(all))
		}
	}})
	return func(t *largeTask, values []float32) {
		mean, m2 := of(t.block)
		columns, h := t.end-t.column, t.last-t.first
		w := 1
		for w < 16 && h%2 == 0 {
			h, w = h/2, 2*w
		}
		k.moments(view{data: values, pitch: w * columns}, h, w, columns, mean[t.column:t.end], m2[t.column:t.end])
	}
}

// largeGradWeights: dw = the sum over the batch of the products of x and dy.
func (c *compiler) largeGradWeights(st *plan.Step) {
	s, p := c.s, c.s.program
	ws, ys := p.Values[st.Out].Shape, p.Values[st.In[1]].Shape
	g := geometryOf(p.Values[st.In[0]].Shape, ws, ys, st.Attrs)
	op := newLargeGradWeights(s.kernels, g, p.Batch)
	result := c.result(st.Out)
	x, dy := s.places[st.In[0]], s.places[st.In[1]]
	nothing := make([]uint16, max(g.C, g.O))
	roomX, roomY := op.room()
	s.pairs = max(s.pairs, roomX+roomY)
	c.level.bind = append(c.level.bind, func(pairs []float32) { op.x, op.dy = pairs[:roomX], pairs[roomX:][:roomY] })
	cost := c.cost
	cost.name, cost.kind, cost.bytes = "pair "+cost.name, "copy", x.bytes()+dy.bytes()
	c.addPass(batchPass{cost: cost, parts: op.pairTasks(), run: func(_ *worker, part int) {
		op.pair(part, s.allHalves(x), x.kept, s.allHalves(dy), nothing)
	}})
	cost = c.cost
	cost.flops, cost.direct = op.flops(), c.directFlops(st.Out, ys)
	c.addPass(batchPass{cost: cost, parts: len(op.tasks), scratch: op.workspace(), run: func(w *worker, part int) {
		op.multiply(&op.tasks[part], result, w.scratch)
	}})
}
