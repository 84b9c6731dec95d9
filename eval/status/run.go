package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"longtail/internal/config"
	"longtail/internal/disk"
	"longtail/internal/run"
	"longtail/internal/run/lease"
)

// silence is how long a holder whose process cannot be seen may be without a heartbeat before its run is shown as stale. Nothing is taken
// over because of it: package lease does that, and takes no clock for it.
const silence = 30 * time.Second

// read reads a run.
func (r *Reader) read(f *found) {
	if f.files[run.SummaryFile] {
		r.readDone(f)
		return
	}
	if f.watched == nil {
		f.watched = &watched{}
	}
	if err := r.readConfig(f); err != nil {
		f.row.State, f.row.Problem = Damaged, err.Error()
		return
	}
	f.fill(f.kept.Facts)
	begun, err := f.readMetrics()
	if err != nil {
		f.row.State, f.row.Problem = Damaged, err.Error()
		return
	}
	begun = begun || f.files[run.SplitFile]
	r.decide(f, begun)
	f.row.estimate()
}

// decide finds the state of a run that is not done.
func (r *Reader) decide(f *found, begun bool) {
	f.row.State = New
	if begun {
		f.row.State = Interrupted
	}
	if f.files[run.FailureFile] {
		f.readFailure()
	}
	if f.job != nil {
		f.row.State, f.row.Job, f.row.Problem = Queued, f.job.ID, ""
	}
	if f.files[lease.File] {
		r.readLock(f)
	}
	if f.row.State == Interrupted || f.row.State == Failed {
		f.readEnvironment()
	}
}

func (f *found) fill(c facts) {
	f.row.Epochs, f.row.Batch, f.row.Steps, f.row.Model, f.row.Precision = c.Epochs, c.Batch, c.Steps, c.Model, c.Precision
}

// stat is os.Lstat of a file of the run that is there, which counts as a change of the run.
func (f *found) stat(name string) (os.FileInfo, error) {
	info, err := os.Lstat(filepath.Join(f.dir, name))
	if err == nil && f.row.Changed.Before(info.ModTime()) {
		f.row.Changed = info.ModTime()
	}
	return info, err
}

// readMetrics reads the last epochs and reports whether there is one.
func (f *found) readMetrics() (bool, error) {
	if !f.files[run.MetricsFile] {
		f.watched.metrics = metrics{}
		return false, nil
	}
	if _, err := f.stat(run.MetricsFile); err != nil {
		return false, err
	}
	m := &f.watched.metrics
	if err := m.read(filepath.Join(f.dir, run.MetricsFile)); err != nil {
		return false, err
	}
	f.row.take(m)
	return m.end > 0, nil
}

// take takes the last epochs. Where the number of images is not known, it follows from them.
func (r *Row) take(m *metrics) {
	if m.end == 0 {
		return
	}
	loss := m.last.Train.Loss
	r.Epoch, r.Step, r.Loss, r.Error = m.last.Epoch, m.last.Step, &loss, m.err
	if r.Steps == 0 && m.last.Epoch > 0 {
		images := math.Round(float64(m.last.Step) * float64(r.Batch) / m.last.Epoch)
		r.Steps = config.Steps(int(images), r.Batch, r.Epochs)
	}
}

// readFailure reads why the run ended.
func (f *found) readFailure() {
	f.row.State = Failed
	_, _ = f.stat(run.FailureFile)
	failure, err := run.ReadFailure(f.dir)
	if err != nil {
		f.row.Problem = err.Error()
		return
	}
	f.row.Problem, f.row.Host = failure.Error, failure.Host
}

// readLock reads who is at work on the run, or was until it was killed.
func (r *Reader) readLock(f *found) {
	holder, beaten, err := lease.Read(f.dir)
	if err != nil {
		return // it was unlocked meanwhile
	}
	now := r.Now()
	f.watched.see(holder, now)
	f.row.Host, f.row.PID = holder.Host, holder.PID
	if holder.Job != "" {
		f.row.Job = holder.Job
	}
	if f.row.Changed.Before(beaten) {
		f.row.Changed = beaten
	}
	switch alive := isAlive(holder, f.watched, beaten, now); {
	case alive:
		f.row.State, f.row.Problem = Running, ""
		f.readProgress(holder.Progress)
	case f.job == nil: // a job that is queued again resumes it
		f.row.State, f.row.Problem = Stale, ""
	}
}

// see remembers when the heartbeat changed.
func (w *watched) see(holder lease.Record, now time.Time) {
	switch {
	case w.token != holder.Token:
		*w = watched{metrics: w.metrics, token: holder.Token, beat: holder.Beat, since: now}
	case w.beat != holder.Beat:
		w.beat, w.since, w.moves = holder.Beat, now, true
	}
}

// isAlive reports whether a holder lives: by its process where that can be seen, by changes of its heartbeat where they were watched, and
// else by the time of the last one, for which the clocks of this machine and the file system must agree.
func isAlive(holder lease.Record, w *watched, beaten, now time.Time) bool {
	if alive, known := holder.Alive(); known {
		return alive
	}
	if w.moves || now.Sub(w.since) >= silence {
		return now.Sub(w.since) < silence
	}
	return now.Sub(beaten) < silence
}

// readProgress takes what the holder says of its work, which is newer than the last epoch.
func (f *found) readProgress(p *lease.Progress) {
	if p == nil {
		return
	}
	loss := p.Loss
	f.row.Epoch, f.row.Epochs, f.row.Step, f.row.Steps, f.row.Test = p.Epoch, p.Epochs, p.Step, p.Steps, p.Test
	f.row.Rate, f.row.EvalShare = p.Rate, p.Extra
	if loss > 0 {
		f.row.Loss = &loss
	}
	if f.row.Rate == 0 && f.files[run.TimingFile] {
		f.readTiming()
	}
}

func (f *found) readTiming() {
	t := timing(filepath.Join(f.dir, run.TimingFile))
	f.row.Rate = t.ImagesPerSecond
	if t.Seconds > 0 {
		f.row.EvalShare = t.EvalSeconds / t.Seconds
	}
}

// readEnvironment takes where the run was computed last.
func (f *found) readEnvironment() {
	if !f.files[run.EnvironmentFile] {
		return
	}
	text, err := disk.Read(filepath.Join(f.dir, run.EnvironmentFile), run.MaxRecordBytes)
	var e struct{ Host, Device string }
	if err == nil && json.Unmarshal(text, &e) == nil {
		f.row.Host, f.row.Device = e.Host, e.Device
	}
}

// brief is what is read of summary.json. Whether it fits its seal is for longtail verify.
type brief struct {
	Version  int     `json:"version"`
	Model    string  `json:"model"`
	Epochs   float64 `json:"epochs"`
	Steps    int     `json:"steps"`
	Batch    int     `json:"batch"`
	Last     struct{ Error, Epoch *float64 }
	Adjusted *struct{ Last struct{ Error *float64 } }
}

// readDone reads a finished run, from the cache where its summary is what it was.
func (r *Reader) readDone(f *found) {
	f.watched = nil
	info, err := f.stat(run.SummaryFile)
	if err != nil {
		f.row.State, f.row.Problem = Damaged, err.Error()
		return
	}
	now := stampOf(info)
	if f.kept.Row != nil && f.kept.Summary == now {
		f.row = *f.kept.Row
		return
	}
	f.kept.Summary, f.kept.Row = stamp{}, nil
	if err := f.parseDone(r); err != nil {
		f.row.State, f.row.Problem = Damaged, err.Error()
		return
	}
	row := f.row
	f.kept.Summary, f.kept.Row = now, &row
}

func (f *found) parseDone(r *Reader) error {
	path := filepath.Join(f.dir, run.SummaryFile)
	text, err := disk.Read(path, run.MaxRecordBytes)
	if err != nil {
		return err
	}
	var s brief
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	e := s.Last.Error
	if s.Adjusted != nil {
		e = s.Adjusted.Last.Error
	}
	if e == nil || !(*e >= 0 && *e <= 1) || s.Last.Epoch == nil || s.Steps < 1 {
		return fmt.Errorf("%s is damaged: it has no result", path)
	}
	if f.files[run.ConfigFile] {
		if err := r.readConfig(f); err != nil {
			return err
		}
	}
	f.fill(facts{s.Epochs, s.Batch, s.Steps, s.Model, f.kept.Facts.Precision})
	f.watched = &watched{}
	_, err = f.readMetrics()
	f.watched = nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.row.State, f.row.Epoch, f.row.Step, f.row.Error = Done, *s.Last.Epoch, s.Steps, e
	f.readTiming()
	f.readEnvironment()
	return nil
}
