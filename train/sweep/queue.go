package sweep

import (
	"fmt"
	"slices"
	"sync"
)

// queue hands out runs in their order, each when the run that it starts from is done. Where that one fails or is left to another process,
// so is the run that waits for it.
type queue struct {
	plans   []Plan
	results []Result

	mu      sync.Mutex
	changed sync.Cond
	todo    []int // in order
	running int
	stopped bool
}

func newQueue(plans []Plan, results []Result, todo []int) *queue {
	q := &queue{plans: plans, results: results, todo: slices.Clone(todo)}
	q.changed.L = &q.mu
	return q
}

// take waits for a run that can begin; ok is false where there will be none.
func (q *queue) take() (i int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.stopped {
		q.dropHopeless()
		at := slices.IndexFunc(q.todo, func(i int) bool { f := q.first(i); return f < 0 || q.results[f].State == Done })
		if at >= 0 {
			i = q.todo[at]
			q.todo = slices.Delete(q.todo, at, at+1)
			q.running++
			return i, true
		}
		if len(q.todo) == 0 || q.running == 0 {
			return 0, false
		}
		q.changed.Wait()
	}
	return 0, false
}

// first is the run that a run starts from, or -1.
func (q *queue) first(i int) int {
	return slices.IndexFunc(q.plans, func(p Plan) bool { return p.Name == q.plans[i].After })
}

// dropHopeless ends the runs that wait for one that failed or is elsewhere, and those that wait for them.
func (q *queue) dropHopeless() {
	for again := true; again; {
		again = false
		q.todo = slices.DeleteFunc(q.todo, func(i int) bool {
			f := q.first(i)
			switch {
			case f >= 0 && q.results[f].State == Failed:
				q.results[i] = Result{State: Failed, Err: fmt.Errorf("it starts from %s, which failed", q.plans[f].Name)}
			case f >= 0 && q.results[f].State == Elsewhere:
				q.results[i].State = Elsewhere
			default:
				return false
			}
			again = true
			return true
		})
	}
}

// done records how a run ended.
func (q *queue) done(i int, r Result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.results[i] = r
	q.running--
	q.changed.Broadcast()
}

// stop wakes those that wait, and hands out no more.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	q.changed.Broadcast()
}
