package cpu

import (
	"sync/atomic"
	"testing"
	"time"
)

// Every task runs once, for any number of threads and tasks, one job after another.
func TestPoolRunsEveryTaskOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := newPool(threads)
		for count := range 40 {
			runs := make([]atomic.Int64, count)
			p.each(count, func(_ *worker, task int) { runs[task].Add(1) })
			for i := range runs {
				if n := runs[i].Load(); n != 1 {
					t.Fatalf("%d threads: task %d of %d ran %d times", threads, i, count, n)
				}
			}
		}
		p.close()
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
	p := &pool{workers: []*worker{{}, {}}, wake: []chan struct{}{make(chan struct{}, 1)}} // the helper never runs
	done := make(chan bool)
	go func() {
		for range 3 {
			p.each(5, func(*worker, int) {})
		}
		done <- true
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the pool waits for a helper without a task")
	}
}
