package train

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/internal/run/lease"
)

// at is an observer that acts once, at a step.
func at(step int, act func() error) Observer {
	return func(e Event) error {
		if p, ok := e.(Progress); ok && p.Step == step {
			return act()
		}
		return nil
	}
}

func TestFailuresAreRecordedUntilTheRunResumes(t *testing.T) {
	want, dir := whole(t), filepath.Join(t.TempDir(), "r")
	j := job(t, dir, fake())
	j.Observers = []Observer{at(9, func() error { return fail.Data("a broken disk\nmend it") })}
	if _, err := Run(context.Background(), j); err == nil {
		t.Fatal("no error")
	}
	f, err := run.ReadFailure(dir)
	if err != nil || f.Code != fail.CodeData || !strings.Contains(f.Error, "a broken disk\nmend it") || f.Time == "" {
		t.Errorf("%+v, %v", f, err)
	}
	j.Observers = []Observer{at(12, func() error { _, err := run.ReadFailure(dir); return err })}
	if _, err := Run(context.Background(), j); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("while it resumes: %v", err)
	}
	mustRun(t, job(t, dir, fake()))
	sameFiles(t, "after a failure", want, files(t, dir))
}

func TestWhatIsNoFailureIsNotRecorded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	ctx, cancel := context.WithCancel(context.Background())
	j := job(t, dir, fake())
	j.Observers = []Observer{at(9, func() error { cancel(); return nil })}
	if _, err := Run(ctx, j); fail.Code(err) != fail.CodeInterrupted {
		t.Fatal(err)
	}
	held, err := run.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), job(t, dir, fake())); !errors.Is(err, run.ErrBusy) {
		t.Errorf("%v", err)
	}
	held.Close()
	if _, err := Run(context.Background(), job(t, dir, fake(), "seed=7")); fail.Code(err) != fail.CodeUsage {
		t.Errorf("another run: %v", err)
	}
	if _, err := run.ReadFailure(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// Another machine took the run over while this process was suspended, and works on it.
func TestRunThatWasTakenOverStopsAndLeavesItAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	path := filepath.Join(dir, lease.File)
	var before map[string]string
	j := job(t, dir, fake())
	j.Observers = []Observer{at(9, func() error {
		other := lease.Record{Token: "t2", Host: "node2", Boot: "another", PID: 5}
		text, err := json.Marshal(other)
		if err != nil {
			return err
		}
		// as a taker does: another file of that name
		if err := errors.Join(os.WriteFile(path+".2", text, 0o666), os.Rename(path+".2", path)); err != nil {
			return err
		}
		before = files(t, dir)
		return nil
	})}
	_, err := Run(context.Background(), j)
	if !errors.Is(err, run.ErrBusy) || !strings.Contains(err.Error(), "process 5 on node2 took it over") {
		t.Errorf("%v", err)
	}
	sameFiles(t, "after the take-over", before, files(t, dir))
	if _, err := run.ReadFailure(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestProgressIsInTheLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	j := job(t, dir, fake())
	var seen lease.Record
	j.Observers = []Observer{at(20, func() (err error) { // the last write, with its heartbeat, came after step 16
		seen, _, err = lease.Read(dir)
		return err
	})}
	mustRun(t, j)
	if p := seen.Progress; p == nil || p.Step < 12 || p.Steps != 27 || p.Epochs != 5 || p.Loss <= 0 || p.Rate <= 0 {
		t.Errorf("%+v", p)
	}
}
