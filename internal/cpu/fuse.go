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
	last := len(steps) - 1
	relu, sums := &steps[last-1], &steps[last]
	narrow := c.narrowSums(relu, sums)
	for i := range steps {
		for k, v := range steps[i].In {
			switch {
			case i > 0 && v == steps[i-1].Out: // it does not exist yet
			case narrow && v == sums.In[0]:
			case narrow && i < last-1 && k == 0 && c.narrow(v, bfloat16): // the first of two gradients
			default:
				c.provide(v)
			}
		}
	}
	c.step += last
	c.cost = c.costOf(relu)
	c.cost.name += "+sums"
	var add *plan.Step
	if last == 2 {
		add = &steps[0]
	}
	c.reluGradSums(add, relu, sums, narrow)
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
