package cpu

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// pool runs jobs on a fixed number of threads: the caller's goroutine, which is worker 0, and helpers. Which thread takes which task is
// in part left to chance; results must not depend on it.
//
// A job follows another without a meeting of the threads: who ends the last task of one does what comes between and opens the next, so
// that a thread which the system does not run delays the others only by the task that it holds.
type pool struct {
	workers []*worker
	current atomic.Pointer[openJob]
	crowded bool // more threads than processors
	closed  atomic.Bool
}

// worker is what one thread owns.
type worker struct {
	lane      int          // whose tasks are its own
	scratch   []float32    // values that live within one level, of the current image
	second    []float32    // an image to mix in
	rows      []float64    // registers of a row program
	moments   []float64    // of one image
	clock     *clock       // nil while nothing is measured
	idle      time.Time    // since when it has no work; zero while it has
	turn      time.Time    // since when it has its processor without giving way
	processor atomic.Int32 // on which it ran then; unknown while it sleeps
	asleep    atomic.Bool
	wake      chan struct{} // ends a sleep
}

// job is tasks 0 to count-1, at any time and on any thread, and what follows the last of them on one.
type job struct {
	count int
	run   func(w *worker, task int)
	then  func() // nil for nothing
	// ready, of the last job of a chain, is how many of its first tasks may begin; nil for all, once the job is open. Who has no work in the
	// jobs before does such tasks early.
	ready *atomic.Int64
}

// openJob is a job under way, and those that follow it. The end of a chain is one without tasks.
type openJob struct {
	job
	rest  []job
	last  *openJob // of the chain, where it has tasks to do early
	lanes []lane
	left  atomic.Int64 // tasks that have not ended, and for one with tasks to do early, its opening
}

// end reports whether what ends was all that was left of the job.
func (s *openJob) end() bool { return s.left.Add(-1) == 0 }

// early opens the last of some jobs for threads without work; nil where none of its tasks may begin early.
func early(jobs []job) *openJob {
	last := jobs[len(jobs)-1]
	if last.ready == nil || last.count == 0 {
		return nil
	}
	s := newOpenJob(1, last) // in order
	s.left.Add(1)
	return s
}

// lane has the tasks whose remainder by the number of threads is that of one worker. A worker takes those of its own first, so that what one job wrote is
// still in the caches of its processor when it reads it in the next.
type lane struct {
	next atomic.Int64 // task
	_    [56]byte     // lanes are on cache lines of their own
}

// take gives a worker a task, or -1 where none is left. Where its own lane is empty, or ahead of another by more than two tasks of each worker, it is one of the
// lane that is furthest behind: blocks of sums wait for it.
func (s *openJob) take(own int) int {
	if s.isEnd() {
		return -1
	}
	own %= len(s.lanes)
	for {
		count := s.count
		if s.ready != nil {
			count = int(s.ready.Load())
		}
		chosen, least := 0, count
		for i := range s.lanes {
			if next := int(s.lanes[i].next.Load()); next < least {
				chosen, least = i, next
			}
		}
		if least >= count {
			return -1
		}
		task := least
		if next := int(s.lanes[own].next.Load()); next < count && next <= least+2*len(s.lanes) {
			chosen, task = own, next
		}
		if s.lanes[chosen].next.CompareAndSwap(int64(task), int64(task+len(s.lanes))) {
			return task
		}
	}
}

// newOpenJob is the first of some jobs, for so many threads.
func newOpenJob(threads int, jobs ...job) *openJob {
	s := &openJob{job: jobs[0], rest: jobs[1:], lanes: make([]lane, threads)}
	for i := range s.lanes {
		s.lanes[i].next.Store(int64(i))
	}
	s.left.Store(int64(s.count))
	return s
}

func (s *openJob) isEnd() bool { return s.count == 0 }

// On a processor of its own, a thread that has no work looks for some before it sleeps: a sleep and its end take about as long as a chunk of
// ResNet-32, and who wakes may find itself on the processor of another thread of the pool. With more threads than processors it only glances.
const (
	patience = 5 * time.Millisecond // longer than the system lets other programs have the processor of a thread that is waited for
	glance   = 2 * time.Microsecond
	looks    = 1000 // between two looks at the clock: about a microsecond
)

// A thread keeps a processor that other programs want for longestTurn, or, without work, for longestLook. The system would stop it some milliseconds later,
// most likely within a task, for as long as they have the processor then.
const (
	longestTurn = 2 * time.Millisecond
	longestLook = 200 * time.Microsecond // more than most waits for the last task of a level
)

// look looks for another job than s; it returns s when it gives up.
func (p *pool) look(w *worker, s *openJob) *openJob {
	start, long := time.Now(), patience
	if p.crowded {
		long = glance
	}
	for waited := time.Duration(0); waited < long; waited = time.Since(start) {
		for range looks {
			if now := p.current.Load(); now != s {
				return now
			}
		}
		if waited > longestLook {
			p.giveWay(w)
		}
	}
	return s
}

// giveWay ends the turn of a worker that holds no task: other programs run now, not while others wait for a task of this one. Where nothing
// else wants the processor, it returns at once.
func (p *pool) giveWay(w *worker) {
	yield()
	w.turn = time.Now()
	p.spread(w)
}

// unknown is no processor.
const unknown = -1

// spread moves a worker that shares its processor with another one of the pool to a processor of none.
func (p *pool) spread(w *worker) {
	at := processor()
	var taken []int32
	for _, other := range p.workers {
		if other != w {
			taken = append(taken, other.processor.Load())
		}
	}
	if at != unknown && slices.Contains(taken, at) {
		at = moveFrom(at, taken)
	}
	w.processor.Store(at)
}

func newPool(threads int) *pool {
	p := &pool{crowded: threads > min(runtime.NumCPU(), runtime.GOMAXPROCS(0))}
	first := &openJob{}
	p.current.Store(first)
	for lane := range threads {
		w := &worker{lane: lane, wake: make(chan struct{}, 1)}
		w.processor.Store(unknown)
		p.workers = append(p.workers, w)
	}
	for _, w := range p.workers[1:] {
		go p.help(w, first)
	}
	return p
}

// help works on one job after another.
func (p *pool) help(w *worker, s *openJob) {
	for !p.closed.Load() {
		p.work(w, s)
		s = p.await(w, s)
	}
}

// chain runs jobs one after another and returns when the last has ended.
func (p *pool) chain(jobs ...job) {
	if len(p.workers) == 1 {
		for i := range jobs {
			jobs[i].alone(p.workers[0])
		}
		return
	}
	p.open(jobs, early(jobs))
	w, s := p.workers[0], p.current.Load()
	for !s.isEnd() {
		p.work(w, s)
		s = p.await(w, s)
	}
	w.begin(s)
}

// alone runs a job on one thread.
func (j *job) alone(w *worker) {
	for task := range j.count {
		j.run(w, task)
	}
	if j.then != nil {
		j.then()
	}
}

// each runs tasks 0 to count-1 and returns when all have ended.
func (p *pool) each(count int, run func(w *worker, task int)) { p.chain(job{count: count, run: run}) }

// open makes the first job that has tasks the current one, or ends the chain, whose last job is given where it has tasks to do early.
func (p *pool) open(jobs []job, last *openJob) {
	for len(jobs) > 0 && jobs[0].count == 0 {
		if then := jobs[0].then; then != nil {
			then()
		}
		jobs = jobs[1:]
	}
	if len(jobs) == 0 {
		p.current.Store(&openJob{})
		p.workers[0].rouse()
		return
	}
	s := last
	if s == nil || len(jobs) > 1 {
		s = newOpenJob(len(p.workers), jobs...)
		s.last = last
	}
	p.current.Store(s)
	wanted := jobs[0].count - 1 // besides this thread
	for _, w := range p.workers {
		if wanted > 0 && w.rouse() {
			wanted--
		}
	}
	if s == last && s.end() { // all its tasks were done early
		p.follow(s)
	}
}

// follow does what follows the last task of a job.
func (p *pool) follow(s *openJob) {
	if s.then != nil {
		s.then()
	}
	p.open(s.rest, s.last)
}

// one does a task of a job, and reports whether there was one.
func (p *pool) one(w *worker, s *openJob) bool {
	task := s.take(w.lane)
	if task < 0 {
		return false
	}
	w.begin(s)
	s.run(w, task)
	if s.end() {
		p.follow(s)
	}
	if time.Since(w.turn) > longestTurn {
		p.giveWay(w)
	}
	return true
}

// work takes tasks of a job until none is left, and then those that it may do early until the next job is open.
func (p *pool) work(w *worker, s *openJob) {
	for p.one(w, s) {
	}
	for s.last != nil && p.current.Load() == s && p.one(w, s.last) {
	}
	if w.idle.IsZero() {
		w.idle = time.Now()
	}
}

// begin ends the time without work, in front of the first task of a job that the worker takes.
func (w *worker) begin(s *openJob) {
	if !w.idle.IsZero() {
		w.clock.waited(len(s.rest), w.idle)
		w.idle = time.Time{}
	}
}

// await returns the job that has taken the place of s; after close, s itself.
func (p *pool) await(w *worker, s *openJob) *openJob {
	if next := p.look(w, s); next != s {
		return next
	}
	w.processor.Store(unknown)
	for p.current.Load() == s && !p.closed.Load() {
		w.asleep.Store(true)
		if (p.current.Load() != s || p.closed.Load()) && w.asleep.CompareAndSwap(true, false) {
			break
		}
		<-w.wake // of this job, or of one that came in between
	}
	w.turn = time.Now()
	return p.current.Load()
}

// rouse ends the sleep of a worker, and reports whether it slept.
func (w *worker) rouse() bool {
	if !w.asleep.Load() || !w.asleep.CompareAndSwap(true, false) {
		return false
	}
	w.wake <- struct{}{}
	return true
}

// close lets the helpers end.
func (p *pool) close() {
	p.closed.Store(true)
	for _, w := range p.workers {
		w.rouse()
	}
}
