package plan

import (
	"slices"

	"longtail/internal/ops"
)

// Checkpoint gives a training program that keeps fewer activations for its backward pass: of the sums that end residual blocks it keeps
// every nth, and what lies between two of them is computed again, before the first backward step that reads any of it. Moments of batch
// norm are kept, so that all of it concerns one image at a time and fits into one level: no sum over the batch is repeated, and every value
// has the bits that it had. What lies behind the last kept sum is not repeated, for the backward pass begins there. A program without
// anything to repeat is returned as it is.
//
// The idea is of Chen, Xu, Zhang and Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.
func Checkpoint(p *Program, every int) *Program {
	c := newCheckpoints(p, every)
	if len(c.level) == 0 {
		return p
	}
	for _, s := range p.Steps {
		if s.Level > c.turn {
			s.In = mapped(s.In, c.again)
			if s.Plus != None {
				s.Plus = c.again(s.Plus)
			}
		}
		c.program.Steps = append(c.program.Steps, s)
	}
	c.program.dropUnused()
	c.program.sortByLevel()
	return c.program
}

// Blocks is the number of residual blocks before the one that the forward pass ends with: Checkpoint tells no larger n apart.
func (p *Program) Blocks() (n int) {
	turn := p.turn()
	for i := range p.Steps {
		if p.Steps[i].Level < turn && endsBlock(&p.Steps[i]) {
			n++
		}
	}
	return n
}

// Repeated is the number of convolutions of the forward pass that are done twice.
func (p *Program) Repeated() (n int) {
	for i := range p.Steps {
		if p.Steps[i].Again && KindOf(&p.Steps[i]) == ops.KindConv {
			n++
		}
	}
	return n
}

// Convolutions is the number of convolutions of the forward pass, each once.
func (p *Program) Convolutions() (n int) {
	for i := range p.Steps {
		if !p.Steps[i].Again && KindOf(&p.Steps[i]) == ops.KindConv {
			n++
		}
	}
	return n
}

// turn is the level of the logits, where the backward pass begins.
func (p *Program) turn() int { return p.Steps[p.producers()[p.Logits]].Level }

// endsBlock reports whether a step adds up a residual block.
func endsBlock(s *Step) bool { return KindOf(s) == ops.KindNormalize && s.Plus != None }

// checkpoints is the state of Checkpoint.
type checkpoints struct {
	program  *Program // that is made
	steps    []Step   // of the one that it is made from
	producer []int    // step of each value, or -1
	segment  []int    // of each value: kept sums before it; -1 where it is not computed again
	level    map[int]int
	turn     int
	made     map[[2]int]ValueID // value and level: its copy there
}

// newCheckpoints cuts the forward pass at every nth sum, and finds for each segment the level in which its values are wanted again.
func newCheckpoints(p *Program, every int) *checkpoints {
	made := *p
	made.Values, made.Steps = slices.Clone(p.Values), nil
	c := &checkpoints{
		program: &made, steps: p.Steps, producer: p.producers(), segment: make([]int, len(p.Values)),
		level: map[int]int{}, turn: p.turn(), made: map[[2]int]ValueID{},
	}
	for v := range c.segment {
		c.segment[v] = -1
	}
	segment, sums := 0, 0
	for i := range p.Steps {
		s := &p.Steps[i]
		switch {
		case s.Level >= c.turn || s.Rows != nil || !IsImageLocal(s):
		case endsBlock(s) && (sums+1)%every == 0:
			sums, segment = sums+1, segment+1
		default:
			if c.segment[s.Out] = segment; endsBlock(s) {
				sums++
			}
		}
	}
	for v, of := range c.segment {
		if of == segment {
			c.segment[v] = -1
		}
	}
	for i := len(p.Steps) - 1; i >= 0 && p.Steps[i].Level > c.turn; i-- {
		for _, v := range p.Steps[i].Reads() {
			if of := c.segment[v]; of >= 0 {
				c.level[of] = p.Steps[i].Level // the steps are in the order of their levels
			}
		}
	}
	return c
}

// again is what a backward step reads in the place of a value.
func (c *checkpoints) again(v ValueID) ValueID {
	if c.segment[v] < 0 {
		return v
	}
	return c.at(v, c.level[c.segment[v]])
}

// at is a value's copy in a level, made there from what is kept.
func (c *checkpoints) at(v ValueID, level int) ValueID {
	if int(v) >= len(c.segment) || c.segment[v] < 0 {
		return v
	}
	key := [2]int{int(v), level}
	if copied, ok := c.made[key]; ok {
		return copied
	}
	s := c.steps[c.producer[v]]
	s.Level, s.Again = level, true
	s.In = mapped(s.In, func(u ValueID) ValueID { return c.at(u, level) })
	if s.Plus != None {
		s.Plus = c.at(s.Plus, level)
	}
	p := c.program
	s.Out = ValueID(len(p.Values))
	p.Values = append(p.Values, p.Values[v])
	p.Steps = append(p.Steps, s)
	c.made[key] = s.Out
	return s.Out
}
