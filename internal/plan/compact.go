package plan

import (
	"cmp"
	"slices"
)

// Compact fuses adjacent operations on rows into row programs: one for all operations on matrices of one form that need no
// other operation in between. Matrices of another form, such as features [N, F] beside logits [N, C], have programs of their
// own.
func Compact(p *Program) error {
	g := p.groupRows()
	slices.SortStableFunc(p.Steps, func(a, b Step) int {
		return cmp.Or(g.depth[a.Out]-g.depth[b.Out], g.order[g.form[a.Out]]-g.order[g.form[b.Out]])
	})
	var steps []Step
	for i := 0; i < len(p.Steps); {
		form := g.form[p.Steps[i].Out]
		if form == notRows {
			steps = append(steps, p.Steps[i])
			i++
			continue
		}
		end := i
		for end < len(p.Steps) && g.form[p.Steps[end].Out] == form {
			end++
		}
		rows, err := compileRows(p, form, p.Steps[i:end], p.usedOutside(i, end))
		if err != nil {
			return err
		}
		steps = append(steps, Step{Rows: rows, Out: None, Plus: None})
		i = end
	}
	p.Steps = steps
	return nil
}

// form is what operations on rows have in common that can run in one program; the zero form is no operation on rows.
type form struct {
	rows, width int
	overBatch   bool
}

var notRows = form{}

// grouping says of each value which operations on rows it belongs to.
type grouping struct {
	form  []form
	depth []int        // changes of form on the way to the value
	order map[form]int // of first appearance
}

// groupRows finds the form of each operation on rows, and a depth such that operations of one form and depth depend on each
// other only through themselves: sorting by depth and form puts together what runs together.
func (p *Program) groupRows() grouping {
	g := grouping{make([]form, len(p.Values)), make([]int, len(p.Values)), map[form]int{notRows: 0}}
	sampled := p.sampled()
	for i := range p.Steps {
		s := &p.Steps[i]
		f := notRows
		if s.Kind.IsRow() {
			f = p.formOf(s, g.form, sampled)
		}
		depth := 0
		if f != notRows {
			depth = 1
		}
		for _, v := range s.In {
			base, _ := p.Locate(v)
			change := 0
			if g.form[base] != f {
				change = 1
			}
			depth = max(depth, g.depth[base]+change)
		}
		if _, known := g.order[f]; !known {
			g.order[f] = len(g.order)
		}
		g.form[s.Out], g.depth[s.Out] = f, depth
	}
	p.sink(&g)
	return g
}

// sink moves operations on rows to the first program that reads them, where all their readers are of their form: what a later program
// alone needs is computed there, and not kept.
func (p *Program) sink(g *grouping) {
	const unread = int(^uint(0) >> 1)
	first := make([]int, len(p.Values)) // the depth that a value may sink to
	for v := range first {
		first[v] = unread
	}
	for _, v := range p.Results() {
		first[v] = 0
	}
	for i := len(p.Steps) - 1; i >= 0; i-- {
		s := &p.Steps[i]
		f := g.form[s.Out]
		if f != notRows && first[s.Out] != unread {
			g.depth[s.Out] = max(g.depth[s.Out], first[s.Out])
		}
		for _, v := range s.In {
			base, _ := p.Locate(v)
			at := 0
			if g.form[base] == f {
				at = g.depth[s.Out]
			}
			first[base] = min(first[base], at)
		}
	}
}

// formOf is the form of an operation on rows: as wide as its widest matrix. One on single columns, [N, 1], is of the form of
// what it reads; where that tells nothing, it goes with the logits.
func (p *Program) formOf(s *Step, forms []form, sampled []bool) form {
	f := form{rows: p.Batch, width: 1, overBatch: sampled[s.Out]}
	matrix := false
	for _, v := range append([]ValueID{s.Out}, s.In...) {
		switch shape := p.Values[v].Shape; shape.Dims() {
		case 2:
			f.rows, f.width, matrix = shape[0], max(f.width, shape[1]), true
		case 1: // a number of each class, or one of the batch
			f.width = max(f.width, shape[0])
		}
	}
	f.overBatch = f.overBatch || !matrix
	if f.width > 1 {
		return f
	}
	for _, v := range s.In {
		if in := forms[v]; in.rows == f.rows && in.overBatch == f.overBatch && in.width > 1 {
			return in
		}
	}
	if f.overBatch {
		f.width = p.Classes
	}
	return f
}

// sampled reports of each value whether its rows are those of the samples.
func (p *Program) sampled() []bool {
	sampled := make([]bool, len(p.Values))
	sampled[p.Image], sampled[p.Target], sampled[p.Logits] = true, true, true
	if p.Mix != nil {
		sampled[p.Second], sampled[p.First] = true, true
	}
	for _, in := range p.Inputs {
		if in.PerSample {
			sampled[in.Value] = true
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		at := s.Kind.IsRow() && len(s.In) > 0 && p.Values[s.In[0]].Shape.Dims() == 0 // the gradient of a mean over the samples
		for _, v := range s.In {
			base, _ := p.Locate(v)
			at = at || sampled[base]
		}
		sampled[s.Out] = at && (s.Kind.IsRow() || !s.Kind.IsReduction())
	}
	return sampled
}

// usedOutside reports which values are read by the caller or by steps other than i to end.
func (p *Program) usedOutside(i, end int) []bool {
	used := make([]bool, len(p.Values))
	for k := range p.Steps {
		if k < i || k >= end {
			for _, v := range p.Steps[k].Reads() {
				used[v] = true
			}
		}
	}
	for _, v := range p.Results() {
		used[v] = true
	}
	return used
}
