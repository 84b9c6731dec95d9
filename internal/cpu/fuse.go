package cpu

import (
	"longtail/internal/ops"
	"longtail/internal/plan"
)

// fusable is the number of steps from step i on that one pass over an image does: a gradient of a ReLU and its sums by channel, and
// before them the addition of two gradients that nothing else reads. 0 is none.
func (c *compiler) fusable(i int) int {
	p := c.s.program
	is := func(i int, k ops.Kind) bool {
		return i < len(p.Steps) && plan.KindOf(&p.Steps[i]) == k && p.Steps[i].Level == c.index
	}
	sums := func(i int) bool {
		return is(i, ops.KindReLUGrad) && is(i+1, ops.KindNormalizeSums) && p.Steps[i+1].In[2] == p.Steps[i].Out
	}
	switch {
	case sums(i):
		return 2
	case is(i, ops.KindAdd) && sums(i+1) && p.Steps[i+1].In[1] == p.Steps[i].Out && c.reads[p.Steps[i].Out] == 1:
		return 3
	}
	return 0
}

// fuse compiles the steps that fusable counted.
func (c *compiler) fuse(steps []plan.Step) {
	for i := range steps {
		for _, v := range steps[i].In {
			c.provide(v)
		}
	}
	last := len(steps) - 1
	c.step += last
	c.cost = c.costOf(&steps[last-1])
	c.cost.name += "+sums"
	var add *plan.Step
	if last == 2 {
		add = &steps[0]
	}
	c.reluGradSums(add, &steps[last-1], &steps[last])
}

// countReads counts how many steps read each value.
func (c *compiler) countReads() {
	c.reads = make([]int, len(c.s.program.Values))
	for i := range c.s.program.Steps {
		for _, v := range c.s.program.Steps[i].Reads() {
			c.reads[v]++
		}
	}
}
