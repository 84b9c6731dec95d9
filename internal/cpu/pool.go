package cpu

import (
	"sync/atomic"
)

// pool runs numbered tasks on a fixed number of threads: the caller's goroutine, which is worker 0, and helpers. Which thread takes which
// task is left to chance; results must not depend on it.
type pool struct {
	workers []*worker
	wake    []chan struct{} // of helper i, who is worker i + 1
	current atomic.Pointer[job]
}

// worker is what one thread owns.
type worker struct {
	scratch []float32 // values that live within one level, of the current image
	second  []float32 // an image to mix in
	rows    []float64 // registers of a row program
	moments []float64 // of one image
	clock   *clock    // nil while nothing is measured
}

// job is complete when its tasks are: a helper that the system has not run in the meantime is not waited for.
type job struct {
	next, ended atomic.Int64
	count       int
	run         func(w *worker, task int)
	done        chan struct{} // closed by who ends the last task
}

// spins is how often a thread looks for work, or for the end of a job, before it gives its processor away: some microseconds, as long as
// the work between two jobs takes.
const spins = 4000

func newPool(threads int) *pool {
	p := &pool{}
	for i := range threads {
		p.workers = append(p.workers, &worker{})
		if i == 0 {
			continue
		}
		wake := make(chan struct{}, 1)
		p.wake = append(p.wake, wake)
		go p.help(p.workers[i], wake)
	}
	return p
}

// help works on the current job whenever it is woken, and on those that come soon after one.
func (p *pool) help(w *worker, wake <-chan struct{}) {
	for range wake {
		last := p.current.Load()
		last.work(w)
		for range spins {
			if j := p.current.Load(); j != last {
				last = j
				last.work(w)
			}
		}
	}
}

func (j *job) work(w *worker) {
	for {
		task := int(j.next.Add(1)) - 1
		if task >= j.count {
			return
		}
		j.run(w, task)
		if int(j.ended.Add(1)) == j.count {
			close(j.done)
		}
	}
}

// wait returns when all tasks have ended.
func (j *job) wait() {
	for range spins {
		if int(j.ended.Load()) == j.count {
			return
		}
	}
	<-j.done
}

// each runs tasks 0 to count-1 and returns when all are done.
func (p *pool) each(count int, run func(w *worker, task int)) {
	if len(p.wake) == 0 || count <= 1 {
		for task := range count {
			run(p.workers[0], task)
		}
		return
	}
	j := &job{count: count, run: run, done: make(chan struct{})}
	p.current.Store(j)
	for _, wake := range p.wake[:min(len(p.wake), count-1)] {
		select {
		case wake <- struct{}{}:
		default: // woken before and not run since: it will find this job
		}
	}
	j.work(p.workers[0])
	j.wait()
}

func (p *pool) close() {
	for _, wake := range p.wake {
		close(wake)
	}
}
