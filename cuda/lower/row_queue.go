package lower

import (
	"fmt"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// rowQueue has the row programs that wait. A small launch costs nearly as much as a large one, so that a row program runs when a step
// reads its results, and takes along all others whose inputs are there.
type rowQueue struct {
	programs []*plan.RowProgram
	makers   map[plan.ValueID]*plan.RowProgram // of the programs that wait, by their results
	summed   map[plan.ValueID]plan.ValueID     // the column [N, 1] behind the sum over a batch [1]
}

// findRows puts all row programs but the loss into the queue.
func (l *lowering) findRows() {
	q := rowQueue{makers: map[plan.ValueID]*plan.RowProgram{}, summed: map[plan.ValueID]plan.ValueID{}}
	for i := range l.p.Steps {
		st := &l.p.Steps[i]
		if plan.KindOf(st) == ops.KindBatchSum {
			q.summed[st.Out] = st.In[0]
		}
		if st.Rows != nil && len(st.Rows.Means) == 0 {
			q.programs = append(q.programs, st.Rows)
			for _, v := range st.Rows.Writes() {
				q.makers[v] = st.Rows
			}
		}
	}
	l.waiting = q
}

// batchSum launches nothing: the row programs that read the sum add up its column.
func (l *lowering) batchSum(*plan.Step) error { return nil }

// rowsBefore runs the row programs whose results a step reads.
func (l *lowering) rowsBefore(st *plan.Step) error {
	if plan.KindOf(st) == ops.KindBatchSum {
		return nil
	}
	for _, v := range st.Reads() {
		if r := l.waiting.makers[l.column(v)]; r != nil {
			if err := l.waitingRows(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// column is the value in memory behind another: what it is a part of, or the column of a sum.
func (l *lowering) column(v plan.ValueID) plan.ValueID {
	if from, summed := l.waiting.summed[v]; summed {
		v = from
	}
	base, _ := l.p.Locate(v)
	return base
}

// waitingRows runs a row program with all that can run beside it, after those that it needs; nil stands for whatever is left.
func (l *lowering) waitingRows(r *plan.RowProgram) error {
	q := &l.waiting
	if r == nil {
		for len(q.programs) > 0 {
			if err := l.waitingRows(q.programs[0]); err != nil {
				return err
			}
		}
		return nil
	}
	for _, v := range r.Reads() {
		if first := q.makers[l.column(v)]; first != nil {
			if err := l.waitingRows(first); err != nil {
				return err
			}
		}
	}
	if !l.rowsReady(r) {
		return fmt.Errorf("rows: it reads what no step before makes")
	}
	var ready, rest []*plan.RowProgram
	for _, other := range q.programs {
		if l.rowsReady(other) {
			ready = append(ready, other)
		} else {
			rest = append(rest, other)
		}
	}
	q.programs = rest
	for _, other := range ready {
		for _, v := range other.Writes() {
			delete(q.makers, v)
		}
	}
	if len(ready) == 1 {
		return l.rows(ready[0])
	}
	return l.rowsTogether(ready)
}

// rowsReady reports whether all that a row program reads is in memory.
func (l *lowering) rowsReady(r *plan.RowProgram) bool {
	for _, v := range r.Reads() {
		if l.values[l.column(v)].at.IsNull() {
			return false
		}
	}
	return true
}
