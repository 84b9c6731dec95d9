package slurm

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/internal/run/lease"
	"longtail/train"
	"longtail/train/sweep"
)

// Times between two looks at run folders, and between two questions to squeue, which all users of a cluster share. A run that squeue does
// not list is not given up at once: on a shared file system its result may be seen later than the end of its job.
const (
	lookInterval  = 2 * time.Second
	queueInterval = 10 * time.Second
	goneAfter     = 2                // answers in a row without the run
	deafAfter     = 30 * time.Minute // without any answer, waiting ends
)

// pace has the intervals, which tests shorten.
type pace struct{ look, ask time.Duration }

// watched is what waiting knows of a run.
type watched struct {
	began bool
	step  int // that was told
	epoch int // step of the last epoch that was told
	gone  int // answers of squeue in a row that do not list it
	last  element
}

// wait stays until Slurm has none of the runs, tells the observer what their folders show, and judges as a local sweep does. A cancelled
// context ends the waiting, not the jobs.
func (l *launch) wait(ctx context.Context) error {
	runs := map[int]*watched{}
	for i := range l.plans {
		if l.results[i].State == sweep.Queued {
			runs[i] = &watched{step: l.plans[i].Before, epoch: l.plans[i].Before, last: l.queued[l.plans[i].Name]}
		}
	}
	answered := time.Now()
	for asked := (time.Time{}); len(runs) > 0; {
		if time.Since(asked) >= l.pace.ask {
			asked = time.Now()
			err := l.ask(ctx, runs)
			if err == nil {
				answered = asked
			} else if ctx.Err() == nil && time.Since(answered) > deafAfter {
				return err
			}
		}
		for i, w := range runs {
			if l.look(i, w) {
				delete(runs, i)
			}
		}
		if len(runs) > 0 && !sleep(ctx, l.pace.look) {
			return l.left(runs)
		}
	}
	return sweep.Verdict(ctx, l.plans, l.results)
}

// sleep waits, and reports false where the context ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// ask asks squeue and counts for each run how often it was not listed.
func (l *launch) ask(ctx context.Context, runs map[int]*watched) error {
	elements, err := l.client.queue(ctx)
	if err != nil {
		return err
	}
	if l.queued, err = runsOf(elements, l.dir); err != nil {
		return err
	}
	for i, w := range runs {
		if e, there := l.queued[l.plans[i].Name]; there {
			w.gone, w.last = 0, e
		} else {
			w.gone++
		}
	}
	return nil
}

// look tells what a run's folder shows, and reports whether the run has ended.
func (l *launch) look(i int, w *watched) (ended bool) {
	dir := l.plans[i].Config.Out
	if run.Exists(filepath.Join(dir, run.SummaryFile)) {
		if w.began { // epochs of a run that was not seen before its end would make a rate of no meaning
			l.epochs(i, w)
		}
		l.begin(i, w)
		l.end(i, sweep.DoneBefore(dir))
		return true
	}
	if !w.began && run.Exists(filepath.Join(dir, run.SplitFile)) && w.last.State == "RUNNING" {
		l.begin(i, w)
	}
	if w.began {
		l.epochs(i, w)
	}
	if w.gone < goneAfter {
		return false
	}
	l.begin(i, w)
	l.end(i, sweep.Result{State: sweep.Failed, Err: l.reason(i, w)})
	return true
}

// begin tells that a run is being trained.
func (l *launch) begin(i int, w *watched) {
	if w.began {
		return
	}
	w.began = true
	p := &l.plans[i]
	l.tell(sweep.Event{Run: i})
	l.tell(sweep.Event{Run: i, Train: train.Started{From: p.Before, Steps: p.Steps, Images: p.Images, Batch: p.Config.Train.Batch, Epochs: p.Config.Train.Epochs}})
}

// epochs tells the epochs that are new in metrics.jsonl, and what the process at work on the run says of the current one.
func (l *launch) epochs(i int, w *watched) {
	dir := l.plans[i].Config.Out
	all, err := run.ReadEpochs(filepath.Join(dir, run.MetricsFile))
	if err != nil {
		all = nil // not there yet, or a line is being written
	}
	for _, e := range all {
		if e.Step > w.epoch {
			w.epoch = e.Step
			l.progress(i, w, train.Progress{Step: e.Step, Epoch: e.Epoch, Loss: e.Train.Loss, LR: e.LR})
			l.tell(sweep.Event{Run: i, Train: train.EpochDone{Record: e}})
		}
	}
	if r, _, err := lease.Read(dir); err == nil && r.Progress != nil {
		l.progress(i, w, train.Progress{Step: r.Progress.Step, Epoch: r.Progress.Epoch, Loss: r.Progress.Loss})
	}
}

// progress tells steps that were not told before: a run that was cut off repeats some.
func (l *launch) progress(i int, w *watched, p train.Progress) {
	if p.Step <= w.step {
		return
	}
	p.Samples = (p.Step - w.step) * l.plans[i].Config.Train.Batch
	w.step = p.Step
	l.tell(sweep.Event{Run: i, Train: p})
}

func (l *launch) end(i int, r sweep.Result) {
	r.Before = false
	l.results[i] = r
	l.tell(sweep.Event{Run: i, Result: &r})
}

func (l *launch) tell(e sweep.Event) {
	if l.Observe != nil {
		l.Observe(e)
	}
}

// maxLogBytes bounds the logs that are searched for a reason.
const maxLogBytes = 64 << 20

// reason is why a run's job ended without it: what the log says about the run.
func (l *launch) reason(i int, w *watched) error {
	path := filepath.Join(l.dir, fmt.Sprintf("%s_%d.log", w.last.Job, w.last.Index))
	text, err := disk.Read(path, maxLogBytes)
	if err != nil {
		return fmt.Errorf("its job ended without it, and so without a log: %w", err)
	}
	begins := l.plans[i].Name + " failed: "
	for _, line := range slices.Backward(strings.Split(string(text), "\n")) {
		if why, ok := strings.CutPrefix(line, begins); ok {
			return fmt.Errorf("%s\nthe log is %s", why, path)
		}
	}
	return fmt.Errorf("its job ended without it; the log is %s", path)
}

// left is the error of a wait that was interrupted.
func (l *launch) left(runs map[int]*watched) error {
	jobs := map[string]element{}
	for i, w := range runs {
		jobs[l.plans[i].Name] = w.last
	}
	return fail.Interrupted("no longer waiting, with %d of %d runs done: Slurm continues with the others\nto cancel them: %s",
		l.count(sweep.Done), len(l.plans), fail.CommandLine(append([]string{"scancel"}, jobsOf(jobs)...)))
}
