package train

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// OpenDevice finds a device for the config's keys device and precision. It is called only where there is something to compute,
// so that several runs may share one device.
type OpenDevice func(device, precision string) (*device.Device, error)

// Job is one run: a config, a device, and observers.
type Job struct {
	Config    *config.Config
	DataDir   string        // folder with the files of the data sets, as in data.Spec
	Data      *data.Dataset // what Config.DataSpec describes, where a caller has it already; nil: it is loaded
	Open      OpenDevice
	Observers []Observer

	device *device.Device
}

// Outcome is a finished run.
type Outcome struct {
	Summary *run.Summary
	Folder  string
	Before  bool // it was finished before, and nothing was done
}

// Run does a job in its folder, Config.Out: from the start, or from the last checkpoint where there is one; a folder whose run
// is finished is left as it is. A run that was interrupted or killed ends with the same bits as one that was not, in every
// file but timing.jsonl, environment.json and the files of other observers.
//
// Errors keep their kinds: another config in the folder is a usage error that names the keys, damaged files and missing data
// are data errors, fail.Interrupted and fail.Diverged are those of Loop.
//
// An error that ends a run which has begun is left in its folder as failure.json, until the run resumes.
func Run(ctx context.Context, job Job) (outcome *Outcome, err error) {
	job.Config = job.Config.Clone()
	k := &recorder{}
	defer k.close()
	defer func() {
		if err != nil {
			k.recordFailure(ctx, err)
		}
	}()
	if run.Exists(filepath.Join(job.Config.Out, run.ConfigFile)) { // before the data: it may be done, or be another run
		if done, err := k.finished(job.Config); done != nil || err != nil {
			return done, err
		}
		if err := k.open(ctx, job.Config); err != nil {
			return nil, err
		}
		if done, err := k.finished(job.Config); done != nil || err != nil { // while the lock was waited for
			return done, err
		}
	}
	open, err := job.prepare(ctx)
	if ctx.Err() != nil && err != nil {
		return nil, fail.Interrupted("interrupted before the first step: nothing was begun")
	}
	if err != nil {
		return nil, err
	}
	defer open.close()
	if k.folder == nil {
		if err := k.open(ctx, job.Config); err != nil {
			return nil, err
		}
	}
	observe := fanOut(append([]Observer{k.observe}, job.Observers...))
	if err := k.resume(&job, open, observe); err != nil {
		return nil, err
	}
	k.adjusted = func() (*run.Adjusted, error) { return k.adjust(ctx, open, job.device, observe) }
	if open.note != "" {
		if err := observe(Remark{open.note}); err != nil {
			return nil, err
		}
	}
	if err := remarkOnEmptyClasses(open.data, observe); err != nil {
		return nil, err
	}
	if err := Loop(ctx, open.Task, observe); err != nil {
		return nil, k.explain(err)
	}
	s, err := run.ReadSummary(k.folder.Dir)
	return &Outcome{s, k.folder.Dir, false}, err
}

// finished is the outcome of the run in the folder of a config where it is finished, else nil. It needs no lock, for it writes nothing.
func (k *recorder) finished(c *config.Config) (*Outcome, error) {
	if !run.Exists(filepath.Join(c.Out, run.SummaryFile)) {
		return nil, nil
	}
	if err := k.compareConfig(c); err != nil {
		return nil, err
	}
	s, err := ReadResult(c.Out)
	if err == nil {
		err = errors.Join(checkInit(c, c.Out, s.Init), checkSource(c, c.Out))
	}
	return &Outcome{s, c.Out, true}, err
}

// remarkOnEmptyClasses names the classes that a subset from a file leaves without training images.
func remarkOnEmptyClasses(ds *data.Dataset, observe Observer) error {
	var empty []string
	for c, n := range ds.Counts {
		if n == 0 {
			empty = append(empty, ds.ClassNames[c])
		}
	}
	if len(empty) == 0 {
		return nil
	}
	return observe(Remark{fmt.Sprintf("%d of %d classes have no training images: %s", len(empty), len(ds.Counts), shortened(empty))})
}

// shortened is a list of which at most ten are named.
func shortened(names []string) string {
	if len(names) > 10 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:10], ", "), len(names)-10)
	}
	return strings.Join(names, ", ")
}

// ReadResult reads the result of a finished run and compares it with the files that it was made from: all, or those named. What does
// not fit is a data error that names the file.
func ReadResult(dir string, files ...string) (*run.Summary, error) {
	s, err := run.ReadSummary(dir)
	if err != nil {
		return nil, err
	}
	fingerprint, err := config.FingerprintFile(filepath.Join(dir, run.ConfigFile))
	if err != nil && s.Seal != nil {
		return nil, fail.Data("reading the config of the run in %s: %w", dir, err)
	}
	if problems := s.CheckFiles(dir, fingerprint, files...); len(problems) > 0 {
		return nil, fmt.Errorf("%w\nrestore the file from a copy, or train the run again in another folder", problems[0])
	}
	return s, nil
}

// openJob is a job with everything in memory and on the device.
type openJob struct {
	Task
	data     *data.Dataset
	programs *Programs
	steps    int
	note     string // on memory, for people
	sessions []device.Session
}

// prepare loads the data, builds the programs and opens them.
func (j *Job) prepare(ctx context.Context) (w *openJob, err error) {
	c := j.Config
	if j.device, err = j.Open(c.Device, c.Precision); err != nil {
		return nil, err
	}
	w = &openJob{data: j.Data}
	if w.data == nil {
		spec := c.DataSpec()
		spec.Dir = j.DataDir
		if w.data, err = data.Load(ctx, spec); err != nil {
			return nil, err
		}
	}
	if w.programs, err = Build(c, w.data); err != nil {
		return nil, err
	}
	j.device = j.device.For(w.programs.Train)
	c.Precision = string(j.device.Precision)
	w.Task = Task{Config: c, Labels: w.data.Train.Labels, Classes: w.data.Train.Classes, Files: w.data.Files, Weights: w.programs.Weights}
	if w.steps, err = stepsOrError(c, w.images()); err != nil {
		return nil, err
	}
	if err := w.checkAdjustments(c.Eval.Adjustments()); err != nil {
		return nil, err
	}
	memory, err := w.programs.fit(c, j.device, w.sets())
	if err != nil {
		return nil, err
	}
	w.note = memory.Note
	if err := w.open(j.device); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}
