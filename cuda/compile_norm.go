//go:build gpu

package cuda

import (
	"fmt"

	"longtail/cuda/driver"
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// statisticsBlocks is the number of blocks that sum over a batch by channel: part of the arithmetic, so it depends on nothing but sizes.
const statisticsBlocks = 128

// sumSource launches the kernel that stores a source, unless it is a tensor, and sums over it.
func (c *compiler) sumSource(v plan.ValueID, s source, q statistics, why string) {
	var to ref
	if !s.isTensor() {
		to = c.activation(s.extent)
		c.stored(v, to)
	}
	blocks := max(1, min(statisticsBlocks, c.p.Batch*s.h*s.w/64))
	q.parts, q.ticket = c.floats(blocks*(2*s.c+1)), c.ticket()
	batch := int32(c.p.Batch)
	c.launch(launch{
		kernel: "statistics" + c.suffix(), module: "statistics", why: why, grid: driver.D1(blocks), threads: 256,
		arguments: func() []any { return []any{s.argument(), q.argument(), batch, to.ptr()} },
	}, append(append(s.refs(), q.refs()...), to)...)
}

// moments: mean and variance of each channel over the batch; in the epilogue of the convolution that makes the values.
func (c *compiler) moments(st *plan.Step) error {
	v := st.In[0]
	q := statistics{kind: statisticsMoments, result: c.floats(2 * c.shape(v)[1])}
	c.values[st.Out].mem = q.result
	at := c.values[v]
	if at.mem.isNull() && at.source != nil {
		if at.source.conv != nil {
			c.convolve(v, at.source, &q)
			return nil
		}
		c.sumSource(v, *at.source, q, "moments")
		return nil
	}
	m, err := c.memory(v)
	c.sumSource(v, plain(c.extent(v), m), q, "moments")
	return err
}

// normalize: y = relu((x - mean) / sqrt(variance + eps) * gamma + beta + plus).
func (c *compiler) normalize(st *plan.Step) error {
	x, err := c.memory(st.In[0])
	if err != nil {
		return err
	}
	s := source{extent: c.extent(st.In[0]), relu: st.ReLU, first: operand{kind: termNorm, x: x, eps: float32(st.Attrs.Eps)}}
	if err := c.smalls(st.In[1:4], &s.first.moments, &s.first.gamma, &s.first.beta); err != nil {
		return err
	}
	switch {
	case st.Plus != plan.None:
		if s.second, err = c.term(st.Plus); err != nil {
			return err
		}
	case st.ReLU:
		s.first.kind, s.relu = termNormReLU, false
	}
	c.note(st.Out, s)
	return nil
}

func (c *compiler) smalls(values []plan.ValueID, to ...*ref) (err error) {
	for i, v := range values {
		if *to[i], err = c.small(v); err != nil {
			return err
		}
	}
	return nil
}

// normalizeSums: the sums over the batch of g and of g * xhat; in the kernel that makes g.
func (c *compiler) normalizeSums(st *plan.Step) error {
	x, err := c.memory(st.In[0])
	if err != nil {
		return err
	}
	q := statistics{kind: statisticsSums, raw: x, eps: float32(st.Attrs.Eps), factor: 1 / c.lossScale}
	if q.moments, err = c.small(st.In[1]); err != nil {
		return err
	}
	g := st.In[2]
	q.result = c.floats(2 * c.shape(g)[1])
	c.values[st.Out].mem = q.result
	at := c.values[g]
	if at.mem.isNull() && at.source != nil {
		if at.source.conv != nil {
			c.convolve(g, at.source, &q)
			return nil
		}
		c.sumSource(g, *at.source, q, "normalize-sums")
		return nil
	}
	m, err := c.memory(g)
	c.sumSource(g, plain(c.extent(g), m), q, "normalize-sums")
	return err
}

// normalizeGradInput: dx = gamma inv (g - sum(g) / m - xhat sum(g xhat) / m).
func (c *compiler) normalizeGradInput(st *plan.Step) error {
	s := source{extent: c.extent(st.Out), first: operand{kind: termNormGradient, eps: float32(st.Attrs.Eps), scale: c.lossScale}}
	var err error
	if s.first.x, err = c.memory(st.In[0]); err != nil {
		return err
	}
	if s.first.g, err = c.memory(st.In[3]); err != nil {
		return err
	}
	if err := c.smalls([]plan.ValueID{st.In[1], st.In[2], st.In[4]}, &s.first.moments, &s.first.gamma, &s.first.sums); err != nil {
		return err
	}
	if st.Attrs.Batch {
		s.first.count = float32(c.p.Batch * s.h * s.w)
	}
	c.note(st.Out, s)
	return nil
}

// relu: max(x, 0).
func (c *compiler) relu(st *plan.Step) error {
	s, err := c.open(st.In[0], false)
	s.relu = true
	c.note(st.Out, s)
	return err
}

// reluGrad: g where y > 0.
func (c *compiler) reluGrad(st *plan.Step) error {
	mask, err := c.term(st.In[0])
	if err != nil {
		return err
	}
	s, err := c.open(st.In[1], false)
	s.mask = mask
	c.note(st.Out, s)
	return err
}

// add: a + b. A convolution that is not launched yet is the first term, so that its epilogue adds.
func (c *compiler) add(st *plan.Step) error {
	a, b := st.In[0], st.In[1]
	if s := c.values[b].source; s != nil && (s.conv != nil || s.first.kind == termNormGradient) && c.values[b].mem.isNull() {
		a, b = b, a
	}
	second, err := c.term(b)
	if err != nil {
		return err
	}
	s, err := c.open(a, true)
	s.second = second
	c.note(st.Out, s)
	return err
}

// shortcut: halves or doubles an image.
func (c *compiler) shortcut(st *plan.Step) error {
	x, err := c.memory(st.In[0])
	if err != nil {
		return err
	}
	from, to := c.shape(st.In[0])[1], c.shape(st.Out)[1]
	o := operand{x: x, depth: storedChannels(from), kind: map[ops.Kind]termKind{
		ops.KindShortcutPool: termPool, ops.KindShortcutSubsample: termSubsample,
		ops.KindShortcutPoolGrad: termPoolGradient, ops.KindShortcutSubsampleGrad: termSubsampleGradient,
	}[st.Kind], before: max(to-from, from-to) / 2}
	if o.before%4 != 0 {
		return fmt.Errorf("%d channels before the first: a multiple of 4 is wanted", o.before)
	}
	c.note(st.Out, source{extent: c.extent(st.Out), first: o})
	return nil
}
