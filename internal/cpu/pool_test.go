package cpu

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Every task runs once, for any number of threads and tasks, one job after another, and what follows a job runs once, after its last task.
func TestPoolRunsEveryTaskOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := newPool(threads)
		for count := range 40 {
			runs := make([]atomic.Int64, 3*count)
			var order []int64 // tasks that had run when a job ended
			var ran atomic.Int64
			var jobs []job
			for i := range 3 {
				jobs = append(jobs, job{
					count: count,
					run: func(_ *worker, task int) {
						runs[i*count+task].Add(1)
						ran.Add(1)
					},
					then: func() { order = append(order, ran.Load()) },
				})
			}
			p.chain(jobs...)
			for i := range runs {
				if n := runs[i].Load(); n != 1 {
					t.Fatalf("%d threads: task %d of %d ran %d times", threads, i, count, n)
				}
			}
			if want := []int64{int64(count), int64(2 * count), int64(3 * count)}; !slices.Equal(order, want) {
				t.Fatalf("%d threads: jobs of %d tasks ended after %v, want %v", threads, count, order, want)
			}
		}
		p.close()
	}
}

// Workers take tasks of their own lane in turn. A worker that is late loses tasks of its lane to the others, so that the tasks that have begun lie close together.
func TestPoolGivesWorkersTheirOwnTasks(t *testing.T) {
	taken := func(s *openJob, workers ...int) (tasks []int) {
		for _, w := range workers {
			tasks = append(tasks, s.take(w))
		}
		return tasks
	}
	if got, want := taken(newOpenJob(2, job{count: 5}), 1, 0, 0, 1, 0, 1), []int{1, 0, 2, 3, 4, -1}; !slices.Equal(got, want) {
		t.Errorf("in turn: %v, want %v", got, want)
	}
	if got, want := taken(newOpenJob(2, job{count: 20}), 0, 0, 0, 0, 0, 1), []int{0, 2, 4, 1, 6, 3}; !slices.Equal(got, want) {
		t.Errorf("beside a late worker: %v, want %v", got, want)
	}
	if got, want := taken(newOpenJob(2, job{count: 4}), 0, 0, 0, 0, 1), []int{0, 2, 1, 3, -1}; !slices.Equal(got, want) {
		t.Errorf("at the end: %v, want %v", got, want)
	}
}

// Tasks at once have different workers.
func TestPoolSharesNoWorker(t *testing.T) {
	p := newPool(4)
	defer p.close()
	busy := map[*worker]*atomic.Bool{}
	for _, w := range p.workers {
		busy[w] = &atomic.Bool{}
	}
	var clashes atomic.Int64
	for range 50 {
		p.each(20, func(w *worker, _ int) {
			if !busy[w].CompareAndSwap(false, true) {
				clashes.Add(1)
			}
			time.Sleep(10 * time.Microsecond)
			busy[w].Store(false)
		})
	}
	if n := clashes.Load(); n > 0 {
		t.Errorf("a worker did two tasks at once %d times", n)
	}
}

// A helper that does not come to run is not waited for.
func TestPoolDoesNotWaitForIdleHelpers(t *testing.T) {
	p := newPool(1)
	p.workers = append(p.workers, &worker{wake: make(chan struct{}, 1)}) // the helper never runs
	within(t, "the pool waits for a helper without a task", func() {
		for range 3 {
			p.each(5, func(*worker, int) {})
		}
	})
}

// A thread that is held up in a task holds up the end of that job alone: the other does all other tasks of it, and when it is over, jobs
// that follow need only one thread, be it the caller's or a helper.
func TestPoolGoesOnBesideABlockedWorker(t *testing.T) {
	for _, callerBlocks := range []bool{true, false} {
		p := newPool(2)
		caller := p.workers[0]
		blocked, release := make(chan bool), make(chan bool)
		var once sync.Once
		var others atomic.Int64
		hold := func(w *worker, _ int) {
			if (w == caller) == callerBlocks {
				once.Do(func() { close(blocked); <-release })
				return
			}
			<-blocked
			if others.Add(1) == 31 {
				close(release)
			}
		}
		within(t, "a blocked worker holds up tasks that it has not begun", func() { p.chain(job{count: 32, run: hold}) })
		p.close()
	}
}

// Helpers take a chain to its end while the caller's thread does not run.
func TestPoolNeedsNoCallerBetweenJobs(t *testing.T) {
	p := newPool(2)
	defer p.close()
	var ran atomic.Int64
	count := job{count: 8, run: func(*worker, int) { ran.Add(1) }}
	p.open([]job{count, {}, count}, nil) // as chain does, which then works
	within(t, "the chain has no end", func() {
		for !p.current.Load().isEnd() {
			time.Sleep(time.Millisecond)
		}
	})
	if n := ran.Load(); n != 16 {
		t.Errorf("%d tasks ran, want 16", n)
	}
}

// Sleeping threads are woken for a job and for the end of a chain.
func TestPoolWakesSleepers(t *testing.T) {
	p := newPool(3)
	defer p.close()
	slow := job{count: 3, run: func(_ *worker, task int) { time.Sleep(time.Duration(task) * time.Millisecond) }}
	within(t, "a sleeper is not woken", func() {
		for range 30 {
			p.chain(slow, job{count: 1, run: slow.run}, slow)
			for _, w := range p.workers[1:] {
				for !w.asleep.Load() {
					time.Sleep(time.Millisecond)
				}
			}
		}
	})
}

// A thread without work looks for some for a while, and hardly at all where there are more threads than processors.
func TestPoolLooksForWork(t *testing.T) {
	p := newPool(1)
	s := p.current.Load()
	looked := func() time.Duration { // the shortest of some, for other programs may run in between
		least := time.Hour
		for range 10 {
			start := time.Now()
			if p.look(p.workers[0], s) != s {
				t.Fatal("found work where there is none")
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	p.crowded = false
	if d := looked(); d < patience {
		t.Errorf("gave up after %v", d)
	}
	p.crowded = true
	if d := looked(); d > patience/2 {
		t.Errorf("a glance took %v", d)
	}
}

// A worker gives way after a task that ends its turn, and only then.
func TestPoolGivesWayOnceATurn(t *testing.T) {
	p := newPool(1)
	w := p.workers[0]
	start := time.Now()
	s := newOpenJob(1, job{count: 2, run: func(*worker, int) {}})
	w.turn = start.Add(-longestTurn / 2)
	if p.one(w, s); w.turn.After(start) && time.Since(start) < longestTurn/2 {
		t.Error("a worker gave way in the middle of its turn")
	}
	w.turn = start.Add(-2 * longestTurn)
	if p.one(w, s); w.turn.Before(start) {
		t.Error("a worker did not give way after its turn")
	}
}

// Tasks of the last job that may begin early are done by threads that have nothing else to do, in their order, and the job ends when all are
// done, early or not.
func TestPoolDoesTasksEarly(t *testing.T) {
	const count = 5
	for _, may := range []int{0, 3, count} {
		p := newPool(2)
		caller := p.workers[0]
		var ready, ran atomic.Int64
		var runs [count]atomic.Int64
		var followed atomic.Int64
		begun, held := make(chan bool), make(chan bool)
		hold := job{count: 2, run: func(w *worker, task int) { // each thread takes one task
			if w == caller {
				<-begun
				ready.Store(int64(may))
				close(held)
				for ran.Load() < int64(may) {
					time.Sleep(time.Millisecond)
				}
				return
			}
			close(begun)
			<-held
		}, then: func() {
			if n := int(ran.Load()); n != may {
				t.Errorf("%d tasks were done early, want %d", n, may)
			}
			ready.Store(count)
		}}
		last := job{count: count, ready: &ready, run: func(_ *worker, task int) {
			runs[task].Add(1)
			ran.Add(1)
		}, then: func() { followed.Store(ran.Load()) }}
		within(t, "the chain does not end", func() { p.chain(hold, last) })
		p.close()
		for task := range runs {
			if n := runs[task].Load(); n != 1 {
				t.Errorf("task %d ran %d times", task, n)
			}
		}
		if n := followed.Load(); n != count {
			t.Errorf("what follows the last job followed %d tasks, want %d", n, count)
		}
	}
}

// With one thread, a job whose tasks may begin early is one like others.
func TestPoolAloneDoesEverythingInOrder(t *testing.T) {
	p := newPool(1)
	var ready atomic.Int64
	var order []int
	task := func(_ *worker, task int) { order = append(order, task) }
	p.chain(job{count: 2, run: task}, job{count: 3, run: task, ready: &ready})
	if want := []int{0, 1, 0, 1, 2}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

// A clock counts how long a thread waits for another one's last task.
func TestPoolTellsWaiting(t *testing.T) {
	p := newPool(2)
	defer p.close()
	for _, w := range p.workers {
		w.clock = &clock{begun: time.Now(), waits: map[int][]float64{}}
	}
	const held = 20 * time.Millisecond
	both := make(chan bool)
	caller, helper := p.workers[0], p.workers[1]
	meet := job{count: 2, run: func(w *worker, _ int) { // each thread takes one task
		if w == caller {
			both <- true
			for !helper.asleep.Load() { // which it is once it has found nothing to do
				time.Sleep(time.Millisecond)
			}
			time.Sleep(held)
		} else {
			<-both
		}
	}}
	within(t, "a thread without work does not sleep", func() { p.chain(meet, meet) })
	waits := helper.clock.waits[0] // in front of the last job
	if len(waits) != 1 || waits[0] < float64(held) {
		t.Errorf("the helper waited %v ns for a thread that took %v longer", waits, held)
	}
}

func within(t *testing.T, complaint string, f func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		f()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal(complaint)
	}
}
