package cpu

import (
	"sync"
	"sync/atomic"
)

// pool runs numbered tasks on a fixed number of goroutines. Which goroutine takes which task is left to chance; results must
// not depend on it.
type pool struct {
	workers []*worker
	jobs    []chan *job
}

// worker is what one goroutine owns.
type worker struct {
	scratch []float32 // values that live within one level, of the current image
	second  []float32 // an image to mix in
	rows    []float64 // registers of a row program
	moments []float64 // of one image
	clock   *clock    // nil while nothing is measured
}

type job struct {
	next  atomic.Int64
	count int
	run   func(w *worker, task int)
	done  sync.WaitGroup
}

func newPool(threads int) *pool {
	p := &pool{}
	for range threads {
		w, jobs := &worker{}, make(chan *job)
		p.workers, p.jobs = append(p.workers, w), append(p.jobs, jobs)
		go func() {
			for j := range jobs {
				j.work(w)
				j.done.Done()
			}
		}()
	}
	return p
}

func (j *job) work(w *worker) {
	for {
		task := int(j.next.Add(1)) - 1
		if task >= j.count {
			return
		}
		j.run(w, task)
	}
}

// each runs tasks 0 to count-1 and returns when all are done.
func (p *pool) each(count int, run func(w *worker, task int)) {
	j := &job{count: count, run: run}
	helpers := min(len(p.jobs), count)
	j.done.Add(helpers)
	for _, jobs := range p.jobs[:helpers] {
		jobs <- j
	}
	j.done.Wait()
}

func (p *pool) close() {
	for _, jobs := range p.jobs {
		close(jobs)
	}
}
