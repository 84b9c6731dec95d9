package plan

import "longtail/internal/ops"

// Fuse merges a normalisation with the addition and the ReLU that follow it, where no other step reads the value in between:
// one pass over memory in place of three.
func Fuse(p *Program) {
	uses := p.uses()
	producer := p.producers()
	gone := make([]bool, len(p.Steps))
	for i := range p.Steps {
		s := &p.Steps[i]
		switch KindOf(s) {
		case ops.KindAdd:
			// the later operand, so that the other one is ready when the fused step runs
			for _, k := range []int{1, 0} {
				if n := p.fusable(producer, uses, s.In[k]); n >= 0 && !p.Steps[n].ReLU && p.Steps[n].Plus == None {
					fused := p.Steps[n]
					fused.Plus, fused.Out = s.In[1-k], s.Out
					p.Steps[i], gone[n] = fused, true
					break
				}
			}
		case ops.KindReLU:
			if n := p.fusable(producer, uses, s.In[0]); n >= 0 {
				fused := p.Steps[n]
				fused.ReLU, fused.Out = true, s.Out
				p.Steps[i], gone[n] = fused, true
			}
		}
		if s.Rows == nil {
			producer[s.Out] = i
		}
	}
	p.drop(gone)
}

// fusable is the normalisation that makes v for one reader alone, or -1.
func (p *Program) fusable(producer []int, uses []int, v ValueID) int {
	n := producer[v]
	if n < 0 || uses[v] != 1 || p.Steps[n].Rows != nil || p.Steps[n].Kind != ops.KindNormalize || p.Steps[n].ReLU {
		return -1
	}
	return n
}

// Recompute gives each level its own copy of a value that is cheap to make again from values that exist anyway, so that only
// what must be is kept between levels.
func Recompute(p *Program) {
	producer := p.producers()
	var steps []Step
	made := map[[2]int]ValueID{} // value and level -> its copy there
	var at func(v ValueID, level int) ValueID
	at = func(v ValueID, level int) ValueID {
		n := producer[v]
		if n < 0 || p.Steps[n].Level >= level || !cheap(&p.Steps[n]) {
			return v
		}
		key := [2]int{int(v), level}
		if copied, ok := made[key]; ok {
			return copied
		}
		s := p.Steps[n]
		s.Level = level
		s.In = mapped(s.In, func(u ValueID) ValueID { return at(u, level) })
		if s.Plus != None {
			s.Plus = at(s.Plus, level)
		}
		s.Out = ValueID(len(p.Values))
		p.Values = append(p.Values, p.Values[v])
		steps = append(steps, s)
		made[key] = s.Out
		return s.Out
	}
	for i := range p.Steps {
		s := p.Steps[i]
		s.In = mapped(s.In, func(u ValueID) ValueID { return at(u, s.Level) })
		if s.Plus != None {
			s.Plus = at(s.Plus, s.Level)
		}
		steps = append(steps, s)
	}
	p.Steps = steps
	p.dropUnused()
	p.sortByLevel()
}

// cheap reports whether each level that reads a step's value computes it again rather than keeping it. The sum of a block and
// its shortcut is kept: the next shortcut would make a chain of it back to the first layer.
func cheap(s *Step) bool {
	if s.Rows != nil {
		return false
	}
	switch s.Kind {
	case ops.KindNormalize:
		return s.Plus == None
	case ops.KindShortcutPool, ops.KindShortcutSubsample, ops.KindShortcutPoolGrad, ops.KindShortcutSubsampleGrad, ops.KindGlobalAverageGrad:
		return true
	}
	return false
}

func mapped(in []ValueID, f func(ValueID) ValueID) []ValueID {
	out := make([]ValueID, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
