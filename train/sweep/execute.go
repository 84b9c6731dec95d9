package sweep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"
)

// Options say how a sweep is executed.
type Options struct {
	Jobs    int              // runs at once, at least 1
	DataDir string           // as in data.Spec
	Open    train.OpenDevice // called for every run; the runs may share what it gives, so it divides the threads

	// OpenFor is Open for each of the Jobs workers, counted from 0, where they use different devices; nil: all use Open.
	OpenFor func(worker int) train.OpenDevice
	Observe func(Event) // is called for all runs, one event at a time; may be nil

	// Attach gives a run one more observer and what is to be called after the run; nil: none.
	Attach func(*config.Config) (train.Observer, func() error, error)

	// KeepLast removes the checkpoints of runs that are done but their last ones, also of those that were done before.
	KeepLast bool

	Remote Remote // of launchers that hand the runs to a scheduler
}

// Event is something that happened to the run with that index among the plans.
type Event struct {
	Run    int
	Train  train.Event // what the run's loop says; nil when the run begins and ends
	Result *Result     // how the run ended; nil before
}

// Result is what became of a run.
type Result struct {
	State   State        // Done, Failed, Interrupted, Elsewhere or Queued; New or Begun where its turn never came
	Before  bool         // it was done before this sweep began on it
	Summary *run.Summary // of a run that is done
	Err     error        // of a run that failed
	Freed   int64        // bytes of checkpoints that were removed
}

// Execute trains the runs that are not done, in their order and several at once, and gives a result for each plan. A run that
// fails does not stop the others; one that another process is at work on is left to it, and looked at once more at the end.
//
// A cancelled context ends the current runs with their state saved (fail.Interrupted). Failures of runs are an error
// that lists them; so are runs that another process still has at the end.
func Execute(ctx context.Context, plans []Plan, o Options) ([]Result, error) {
	e := &executor{Options: o, plans: plans, results: make([]Result, len(plans)), sets: newDatasets()}
	var todo []int
	for i, p := range plans {
		if p.State == Done {
			e.results[i] = e.prune(ctx, p.Config.Out, DoneBefore(p.Config.Out))
			continue
		}
		e.results[i].State = p.State
		todo = append(todo, i)
	}
	if err := e.openDevices(todo); err != nil {
		return e.results, err
	}
	e.all(ctx, todo)
	var elsewhere []int
	for _, i := range todo {
		if e.results[i].State == Elsewhere {
			elsewhere = append(elsewhere, i)
		}
	}
	e.all(ctx, elsewhere)
	return e.results, Verdict(ctx, plans, e.results)
}

// DoneBefore is the result of the finished run in a folder; Failed where it cannot be read or was changed.
func DoneBefore(dir string) Result {
	s, err := train.ReadResult(dir, run.ConfigFile, run.SplitFile, run.MetricsFile)
	if err != nil {
		return Result{State: Failed, Err: err}
	}
	return Result{State: Done, Before: true, Summary: s}
}

type executor struct {
	Options
	plans   []Plan
	results []Result
	sets    *datasets
	mu      sync.Mutex // of Observe
}

// openDevices asks once for every device that the runs will ask for, so that a device that is not there is said once, before
// the first run.
func (e *executor) openDevices(todo []int) error {
	asked := map[[2]string]bool{}
	for _, i := range todo {
		c := e.plans[i].Config
		if want := [2]string{c.Device, c.Precision}; !asked[want] {
			asked[want] = true
			if _, err := e.Open(c.Device, c.Precision); err != nil {
				return err
			}
		}
	}
	return nil
}

// all does the runs with those indices, Jobs at a time.
func (e *executor) all(ctx context.Context, todo []int) {
	q := newQueue(e.plans, e.results, todo)
	var workers sync.WaitGroup
	for worker := range min(e.Jobs, len(todo)) {
		open := e.Open
		if e.OpenFor != nil {
			open = e.OpenFor(worker)
		}
		workers.Go(func() {
			for {
				i, ok := q.take()
				if !ok || ctx.Err() != nil {
					q.stop()
					return
				}
				e.tell(Event{Run: i})
				result := e.prune(ctx, e.plans[i].Config.Out, e.one(ctx, i, open))
				q.done(i, result)
				e.tell(Event{Run: i, Result: &result})
			}
		})
	}
	workers.Wait()
}

func (e *executor) tell(event Event) {
	if e.Observe == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Observe(event)
}

// one does a run and judges how it ended.
func (e *executor) one(ctx context.Context, i int, open train.OpenDevice) Result {
	p := e.plans[i]
	if run.Exists(filepath.Join(p.Config.Out, run.SummaryFile)) { // another process was faster
		return DoneBefore(p.Config.Out)
	}
	outcome, err := e.train(ctx, i, open)
	switch {
	case err == nil:
		return Result{State: Done, Before: outcome.Before, Summary: outcome.Summary}
	case errors.Is(err, run.ErrBusy):
		return Result{State: Elsewhere}
	case fail.Code(err) == fail.CodeInterrupted, ctx.Err() != nil && errors.Is(err, context.Canceled):
		return Result{State: Interrupted}
	}
	return Result{State: Failed, Err: err}
}

// prune removes checkpoints of a run that is done, where that is wanted. A run with a checkpoint that was changed has failed, and keeps all.
func (e *executor) prune(ctx context.Context, dir string, r Result) Result {
	if !e.KeepLast || r.State != Done || !run.Exists(filepath.Join(dir, run.Best)) && !run.Exists(filepath.Join(dir, run.BestValidation)) {
		return r
	}
	folder, err := run.OpenContext(ctx, dir)
	if errors.Is(err, run.ErrBusy) || ctx.Err() != nil {
		return r // the same command removes them another time
	}
	if err == nil {
		r.Freed, err = folder.Prune(r.Summary)
		err = errors.Join(err, folder.Close())
	}
	if err != nil {
		return Result{State: Failed, Err: fmt.Errorf("removing checkpoints: %w", err), Freed: r.Freed}
	}
	return r
}

func (e *executor) train(ctx context.Context, i int, open train.OpenDevice) (outcome *train.Outcome, err error) {
	c := e.plans[i].Config
	observers := []train.Observer{func(event train.Event) error { e.tell(Event{Run: i, Train: event}); return nil }}
	if e.Attach != nil {
		more, end, failed := e.Attach(c)
		if failed != nil {
			return nil, failed
		}
		observers = append(observers, more)
		defer func() { err = errors.Join(err, end()) }()
	}
	spec := c.DataSpec()
	spec.Dir = e.DataDir
	defer e.sets.release(spec)
	images, err := e.sets.take(ctx, spec)
	if err != nil {
		return nil, err
	}
	return train.Run(ctx, train.Job{Config: c, DataDir: e.DataDir, Data: images, Open: open, Observers: observers})
}
