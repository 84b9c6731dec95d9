//go:build gpu

package driver_test

import (
	"errors"
	"io"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels/testkernels"
)

// By hand: of n floats every other is read, n*4/32 sectors; the first n/4 floats are written, n/4*4/32 sectors.
func TestCountersAgainstHandComputedSectors(t *testing.T) {
	checkedEmulator(t)
	c, s := cudatest.Open(t)
	const n = 4096
	x, y := cudatest.Upload(t, s, make([]float32, n)), cudatest.Alloc[float32](t, s, n)
	f := cudatest.Kernel(t, c, testkernels.Basic, "sectors")
	mma := cudatest.Kernel(t, c, testkernels.Basic, "mma_speed")
	launch := func() error {
		return f.Launch(s, driver.D1(n/256), driver.D1(256), 0, int32(n), x, y)
	}
	graph, err := s.Capture(func() error { return errors.Join(launch(), launch(), s.Fill32(y, 0, 16), s.Copy(y, x, 40)) })
	check(t, err)
	defer graph.Close()
	if graph.Nodes() != 4 {
		t.Errorf("the graph has %d nodes, want 4", graph.Nodes())
	}
	const read, written = n * 4, n / 4 * 4
	info, err := driver.Available()
	check(t, err)
	for _, test := range []struct {
		name string
		do   func() error
		want driver.Counters
	}{
		{"a launch", launch, driver.Counters{Launches: 1, BytesRead: read, BytesWritten: written, DependentLoads: 1}},
		{"a graph of two launches, a fill and a copy", func() error { return graph.Launch(s) },
			driver.Counters{Launches: 2, Fills: 1, Copies: 1, BytesRead: 2*read + 64, BytesWritten: 2*written + 64 + 64, DependentLoads: 2}},
		{"mma", func() error { return mma.Launch(s, driver.D1(2), driver.D1(64), 0, int32(10), y) },
			driver.Counters{Launches: 1, BytesWritten: 128 * 4, MMA: 2 * 2 * 10}},
		{"an upload of 5 bytes", func() error { return driver.Upload(s, y, make([]byte, 5)) }, driver.Counters{Copies: 1, BytesWritten: 32}},
	} {
		before, _ := driver.ReadCounters()
		check(t, test.do())
		after, _ := driver.ReadCounters()
		test.want.Checked = true
		if !strings.Contains(info.Name, "PTX") {
			test.want.DependentLoads = 0 // the kernels of .cu files do not count them
		}
		if got := after.Sub(before); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestDownloadArrivesAtSynchronize(t *testing.T) {
	c, s := cudatest.Open(t)
	p := cudatest.Upload(t, s, []uint32{7})
	host, err := c.AllocPinned(4)
	check(t, err)
	defer host.Free()
	check(t, s.DownloadPinned(host, 0, p, 4))
	check(t, s.Fill32(p, 8, 1)) // comes after the copy in the stream
	if _, emulated := driver.ReadCounters(); emulated && host.Bytes()[0] != 0 {
		t.Error("the emulator delivers before anybody waits: a missing wait would go unseen")
	}
	check(t, s.Synchronize())
	if host.Bytes()[0] != 7 {
		t.Errorf("downloaded %d, want 7", host.Bytes()[0])
	}
	check(t, s.UploadPinned(p, host, 0, 4))
	if got := cudatest.Download[uint32](t, s, p, 1)[0]; got != 7 {
		t.Errorf("uploaded %d, want 7", got)
	}
}

// An event's wait is for the work before it: pinned memory of an earlier copy may change, bytes of a later download are not there yet.
func TestWaitingForAnEventWaitsForNoLaterWork(t *testing.T) {
	c, s := cudatest.Open(t)
	p := cudatest.Upload(t, s, []uint32{1, 2})
	host, err := c.AllocPinned(8)
	check(t, err)
	defer host.Free()
	e, err := c.NewEvent()
	check(t, err)
	defer e.Close()
	check(t, s.UploadPinned(p, host, 0, 4))
	check(t, e.Record(s))
	check(t, s.DownloadPinned(host, 4, p.Add(4), 4))
	check(t, e.Synchronize())
	host.Bytes()[0] = 9
	if _, emulated := driver.ReadCounters(); emulated && host.Bytes()[4] != 0 {
		t.Error("the emulator delivers what comes behind the event: a missing wait would go unseen")
	}
	check(t, s.Synchronize())
	if got := cudatest.Download[uint32](t, s, p, 2); got[0] != 0 || host.Bytes()[4] != 2 {
		t.Errorf("uploaded %v, downloaded %d", got, host.Bytes()[4])
	}
}

func TestCapturedBranchIsJoined(t *testing.T) {
	c, s := cudatest.Open(t)
	branch, err := c.NewStream()
	check(t, err)
	defer branch.Close()
	var fork, join *driver.Event
	for _, e := range []**driver.Event{&fork, &join} {
		*e, err = c.NewEvent()
		check(t, err)
		defer (*e).Close()
	}
	a, b := cudatest.Upload(t, s, make([]uint32, 4)), cudatest.Upload(t, s, make([]uint32, 4))
	graph, err := s.Capture(func() error {
		return errors.Join(fork.Record(s), branch.Wait(fork), branch.Fill32(a, 1, 4), join.Record(branch), s.Fill32(b, 2, 4), s.Wait(join), s.Copy(b.Add(8), a, 8))
	})
	check(t, err)
	defer graph.Close()
	check(t, graph.Launch(s))
	if got := cudatest.Download[uint32](t, s, b, 4); got[0] != 2 || got[3] != 1 {
		t.Errorf("%v, want 2 2 1 1", got)
	}
	check(t, branch.Fill32(a, 3, 4)) // the branch is no longer captured
	check(t, branch.Synchronize())
}

func TestEventsMeasureTime(t *testing.T) {
	c, s := cudatest.Open(t)
	start, err := c.NewEvent()
	check(t, err)
	defer start.Close()
	end, err := c.NewEvent()
	check(t, err)
	defer end.Close()
	out := cudatest.Alloc[float32](t, s, 256)
	check(t, start.Record(s))
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "mma_speed").Launch(s, driver.D1(1), driver.D1(256), 0, int32(100), out))
	check(t, end.Record(s))
	check(t, end.Synchronize())
	if d, err := end.Since(start); err != nil || d <= 0 {
		t.Errorf("%v, %v", d, err)
	}
}

func TestOutOfMemorySaysNeededAndFree(t *testing.T) {
	c, _ := cudatest.Open(t)
	free, total, err := c.Memory()
	check(t, err)
	if free <= 0 || free > total {
		t.Fatalf("%d bytes free of %d", free, total)
	}
	_, err = c.Alloc(total+1<<30, "activations")
	if !errors.Is(err, driver.ErrOutOfMemory) {
		t.Fatalf("%v is no ErrOutOfMemory", err)
	}
	for _, part := range []string{"for activations", "needed ", "free ", "smaller batch"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	p, err := c.Alloc(1024, "what still fits")
	check(t, err)
	check(t, c.Free(p))
}

// Good and faulting kernels from several goroutines under garbage collection, profiling signals and Go's own faults.
func TestFaultsUnderGoRuntime(t *testing.T) {
	checkedEmulator(t)
	t.Setenv("EMULATOR_QUIET", "1")
	check(t, pprof.StartCPUProfile(io.Discard))
	defer pprof.StopCPUProfile()
	c, s := cudatest.Open(t)
	f := cudatest.Kernel(t, c, testkernels.Basic, "saxpy")
	freed, err := c.Alloc(256, "a test")
	check(t, err)
	check(t, c.Free(freed))
	const rounds = 50
	var done sync.WaitGroup
	for range 4 {
		y, x := cudatest.Upload(t, s, make([]float32, 64)), cudatest.Upload(t, s, []float32{63: 1})
		own, err := c.NewStream()
		check(t, err)
		done.Go(func() {
			for i := range rounds {
				if err := f.Launch(own, driver.D1(1), driver.D1(64), 0, int32(64), float32(1), x, y); err != nil {
					t.Error(err)
				}
				if f.Launch(own, driver.D1(1), driver.D1(64), 0, int32(64), float32(1), freed, y) == nil {
					t.Error("a fault went unseen")
				}
				func() {
					defer func() { recover() }()
					var nothing *int
					*nothing = i
				}()
				if i%20 == 0 {
					runtime.GC()
				}
			}
			if got := make([]float32, 64); driver.Download(own, got, y) != nil || got[63] != rounds {
				t.Errorf("%g after %d additions", got[63], rounds)
			}
			if err := own.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}
