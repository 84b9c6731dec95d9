package cpu

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A worker on the processor of another one moves to a processor of none, and its thread may run wherever it could before.
func TestPoolSpreadsWorkers(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	if before.Count() < 2 {
		t.Skip("this takes two processors")
	}
	p := newPool(1)
	w, other := p.workers[0], &worker{}
	p.workers = append(p.workers, other)
	moved := 0
	for range 20 { // the system may move a thread by itself
		at := processor()
		if at == unknown || !before.IsSet(int(at)) {
			t.Fatalf("the thread is on processor %d of %v", at, before)
		}
		other.processor.Store(at)
		p.spread(w)
		if now := w.processor.Load(); now != at && now == processor() {
			moved++
		}
		if err := unix.SchedGetaffinity(0, &after); err != nil {
			t.Fatal(err)
		}
		if after != before {
			t.Fatalf("the thread may run on %v, before on %v", after, before)
		}
	}
	if moved < 10 {
		t.Errorf("the thread left the processor of another worker %d times of 20", moved)
	}
	other.processor.Store(unknown)
	if p.spread(w); w.processor.Load() == unknown {
		t.Error("a worker does not know its processor")
	}
}
