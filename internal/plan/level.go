package plan

import (
	"slices"

	"longtail/internal/ops"
)

// Level computes for each step the number of batch sums that must finish before it runs.
func Level(p *Program) {
	ready := make([]int, len(p.Values)) // the first level that may read a value
	for i := range p.Steps {
		s := &p.Steps[i]
		s.Level = 0
		for _, v := range s.Reads() {
			base, _ := p.Locate(v)
			s.Level = max(s.Level, ready[base])
		}
		for _, v := range s.Writes() {
			ready[v] = s.Level
			if s.Rows == nil && s.Kind.IsReduction() {
				ready[v]++
			}
		}
		p.Levels = max(p.Levels, s.Level+1)
	}
	p.sortByLevel()
}

func (p *Program) sortByLevel() {
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return a.Level - b.Level })
}

// producers is the step that makes each value, or -1.
func (p *Program) producers() []int {
	at := make([]int, len(p.Values))
	for v := range at {
		at[v] = -1
	}
	for i := range p.Steps {
		for _, v := range p.Steps[i].Writes() {
			at[v] = i
		}
	}
	return at
}

// uses counts the readers of each value: steps, and the caller, who reads results.
func (p *Program) uses() []int {
	n := make([]int, len(p.Values))
	for i := range p.Steps {
		for _, v := range p.Steps[i].Reads() {
			base, _ := p.Locate(v)
			n[base]++
		}
	}
	for _, v := range p.Results() {
		n[v]++
	}
	return n
}

// Results are the values that outlive the last step: loss, logits, features, gradients and moments.
func (p *Program) Results() []ValueID {
	results := []ValueID{p.Loss, p.Logits}
	if p.Features != None {
		results = append(results, p.Features)
	}
	for _, u := range p.Params {
		if u.Gradient != None {
			base, _ := p.Locate(u.Gradient)
			results = append(results, base)
		}
	}
	for _, s := range p.Stats {
		results = append(results, s.Batch)
	}
	slices.Sort(results)
	return slices.Compact(results)
}

// drop removes the marked steps.
func (p *Program) drop(gone []bool) {
	kept := p.Steps[:0]
	for i, s := range p.Steps {
		if !gone[i] {
			kept = append(kept, s)
		}
	}
	p.Steps = kept
}

// dropUnused removes steps whose values are never read, until none is left.
func (p *Program) dropUnused() {
	for {
		uses := p.uses()
		gone, any := make([]bool, len(p.Steps)), false
		for i := range p.Steps {
			used := false
			for _, v := range p.Steps[i].Writes() {
				used = used || uses[v] > 0
			}
			gone[i] = !used
			any = any || !used
		}
		if !any {
			return
		}
		p.drop(gone)
	}
}

// IsImageLocal reports whether a step has a result for each image that depends on that image alone, besides parameters and
// finished sums.
func IsImageLocal(s *Step) bool {
	if s.Rows != nil {
		return s.Rows.OverBatch
	}
	return !s.Kind.IsReduction()
}

// KindOf is the step's kind, KindNone for a row program.
func KindOf(s *Step) ops.Kind {
	if s.Rows != nil {
		return ops.KindNone
	}
	return s.Kind
}
