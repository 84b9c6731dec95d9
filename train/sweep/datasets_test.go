package sweep

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"longtail/data"
)

// loads counts how often each set is loaded.
func loads(count *atomic.Int32) *datasets {
	d := newDatasets()
	d.load = func(_ context.Context, s data.Spec) (*data.Dataset, error) {
		count.Add(1)
		if s.Dataset == "broken" {
			return nil, errors.New("broken")
		}
		return &data.Dataset{Name: s.Dataset}, nil
	}
	return d
}

func TestSetIsLoadedOnceForRunsAtTheSameTime(t *testing.T) {
	var count atomic.Int32
	d := loads(&count)
	spec := data.Spec{Dataset: "a"}
	var taken [8]*data.Dataset
	var all sync.WaitGroup
	for i := range taken {
		all.Go(func() { taken[i], _ = d.take(t.Context(), spec) })
	}
	all.Wait()
	for _, ds := range taken {
		if ds == nil || ds != taken[0] {
			t.Error("runs have sets of their own")
		}
		d.release(spec)
	}
	if count.Load() != 1 {
		t.Errorf("loaded %d times", count.Load())
	}
}

func TestLastSetStaysForTheNextRunAndOlderOnesGo(t *testing.T) {
	var count atomic.Int32
	d := loads(&count)
	a, b := data.Spec{Dataset: "a"}, data.Spec{Dataset: "b"}
	for i, step := range []struct {
		spec data.Spec
		want int32 // loads so far
		kept int
	}{{a, 1, 1}, {a, 1, 1}, {b, 2, 1}, {b, 2, 1}, {a, 3, 1}} {
		if _, err := d.take(t.Context(), step.spec); err != nil {
			t.Fatal(err)
		}
		d.release(step.spec)
		if count.Load() != step.want || len(d.sets) != step.kept {
			t.Errorf("take %d: %d loads, want %d; %d sets kept, want %d", i, count.Load(), step.want, len(d.sets), step.kept)
		}
	}
}

func TestSetInUseIsNotDropped(t *testing.T) {
	var count atomic.Int32
	d := loads(&count)
	a, b, c := data.Spec{Dataset: "a"}, data.Spec{Dataset: "b"}, data.Spec{Dataset: "c"}
	d.take(t.Context(), a)
	for _, other := range []data.Spec{b, c, b} {
		d.take(t.Context(), other)
		d.release(other)
	}
	d.take(t.Context(), a)
	if count.Load() != 4 {
		t.Errorf("%d loads, want a, b, c and b", count.Load())
	}
}

func TestFailedLoadIsTheErrorOfEveryRun(t *testing.T) {
	var count atomic.Int32
	d := loads(&count)
	for range 2 {
		if _, err := d.take(t.Context(), data.Spec{Dataset: "broken"}); err == nil {
			t.Error("no error")
		}
		d.release(data.Spec{Dataset: "broken"})
	}
}
