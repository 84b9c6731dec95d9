package cpu

import (
	"slices"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// overBatch reports whether a step is a convolution, or a gradient of one, that runs over all images of the batch at once.
func (k kernels) overBatch(p *plan.Program, st *plan.Step) bool {
	x, w, y := convolutionOf(st)
	if x == plan.None || !k.mixed {
		return false
	}
	g := geometryOf(p.Values[x].Shape, p.Values[w].Shape, p.Values[y].Shape, st.Attrs)
	return g.large()
}

// convolutionOf are the images, weights and results of the convolution that a step belongs to; None for other steps.
func convolutionOf(st *plan.Step) (x, w, y plan.ValueID) {
	switch plan.KindOf(st) {
	case ops.KindConv:
		return st.In[0], st.In[1], st.Out
	case ops.KindConvGradInput:
		return st.Out, st.In[0], st.In[1]
	case ops.KindConvGradWeights:
		return st.In[0], st.Out, st.In[1]
	}
	return plan.None, plan.None, plan.None
}

// splitLevels is a copy of a program whose levels end before and after each step that over chooses, so that all images have gone through
// what such a step reads. Moments of what it writes stay in its level.
func splitLevels(p *plan.Program, over func(*plan.Step) bool) *plan.Program {
	q := *p
	q.Steps = slices.Clone(p.Steps)
	maker := make([]int, len(p.Values)) // step that makes a value, -1 for none
	for v := range maker {
		maker[v] = -1
	}
	above := 0 // levels of the copy above the one of the program
	for i := range q.Steps {
		st := &q.Steps[i]
		if i > 0 && p.Steps[i].Level != p.Steps[i-1].Level {
			above = 1 + maxLevel(q.Steps[:i])
		}
		st.Level = above
		for _, v := range st.Reads() {
			base, _ := p.Locate(v)
			m := maker[base]
			if m < 0 || p.Steps[m].Level != p.Steps[i].Level {
				continue
			}
			level := q.Steps[m].Level
			if (over(&q.Steps[m]) || over(st)) && plan.KindOf(st) != ops.KindMoments {
				level++
			}
			st.Level = max(st.Level, level)
		}
		for _, v := range st.Writes() {
			maker[v] = i
		}
	}
	q.Levels = 1 + maxLevel(q.Steps)
	slices.SortStableFunc(q.Steps, func(a, b plan.Step) int { return a.Level - b.Level })
	return &q
}

func maxLevel(steps []plan.Step) int {
	level := -1
	for i := range steps {
		level = max(level, steps[i].Level)
	}
	return level
}
