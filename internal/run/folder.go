package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run/lease"
)

// Names in a run's folder.
const (
	ConfigFile      = "config.yaml"
	EnvironmentFile = "environment.json"
	InputFile       = "input.json"
	SplitFile       = "split.json"
	MetricsFile     = "metrics.jsonl"
	TimingFile      = "timing.jsonl"
	SummaryFile     = "summary.json"
	Last            = "checkpoints/last.safetensors"
	Best            = "checkpoints/best.safetensors"            // best on the test set
	BestValidation  = "checkpoints/best_validation.safetensors" // best on the held-out part
)

// ErrBusy is the error of a folder that another process has locked, and of a write into one that another process took over.
var ErrBusy = lease.ErrHeld

// Folder is a run's folder that this process alone may write to.
type Folder struct {
	Dir  string
	lock *lease.Lease
}

// Open is OpenContext without an end to waiting.
func Open(dir string) (*Folder, error) { return OpenContext(context.Background(), dir) }

// OpenContext makes the folder where it is not there and locks it, see package lease: it may wait for seconds to see whether a process on
// another machine lives. It is an error where another process has the folder (ErrBusy), where it cannot be made or written to, and (a usage
// error) where it holds other things than a run.
func OpenContext(ctx context.Context, dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, folderError(dir, err)
	}
	lock, err := lease.Acquire(ctx, dir)
	switch {
	case errors.Is(err, ErrBusy):
		return nil, fmt.Errorf("%w in %s\nwait for it, or choose another folder with out=FOLDER", err, dir)
	case ctx.Err() != nil && err != nil:
		return nil, fail.Interrupted("interrupted while waiting for the lock of %s", dir)
	case err != nil:
		return nil, folderError(dir, err)
	}
	f := &Folder{dir, lock}
	if err := f.take(); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	if err := os.MkdirAll(f.Path(filepath.Dir(Last)), 0o777); err != nil {
		return nil, errors.Join(folderError(dir, err), lock.Release())
	}
	return f, nil
}

func folderError(dir string, err error) error {
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist) {
		return fail.Usage("the run's folder %s: %w\nname a folder with out=FOLDER", dir, err)
	}
	return fmt.Errorf("making the run's folder %s: %w\nname one that you may write to with out=FOLDER", dir, err)
}

// take removes what a killed process left half-written.
func (f *Folder) take() error {
	var strangers []string
	for _, dir := range []string{f.Dir, filepath.Join(f.Dir, filepath.Dir(Last))} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return folderError(dir, err)
		}
		for _, e := range entries {
			switch path := filepath.Join(dir, e.Name()); {
			case lease.Owns(e.Name()) && dir == f.Dir:
			case isLeftover(e):
				if err := os.Remove(path); err != nil {
					return folderError(dir, err)
				}
			case path != filepath.Join(f.Dir, filepath.Dir(Last)):
				strangers = append(strangers, path)
			}
		}
	}
	if len(strangers) > 0 && !f.Has(ConfigFile) {
		return fail.Usage("%s holds %s but no %s, so it is no run's folder\nname an empty or a new folder with out=FOLDER", f.Dir, strangers[0], ConfigFile)
	}
	return nil
}

// isLeftover reports whether an entry is a temporary file of Write.
func isLeftover(e fs.DirEntry) bool {
	ours := []string{ConfigFile, EnvironmentFile, InputFile, SplitFile, SummaryFile, FailureFile, PrunedFile, Last, Best, BestValidation}
	return slices.ContainsFunc(ours, func(name string) bool { return disk.IsLeftover(e, filepath.Base(name)) })
}

// Path is where a file of the run lies.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// Has reports whether a file of the run is there.
func (f *Folder) Has(name string) bool { return Exists(f.Path(name)) }

// Exists is disk.Exists.
func Exists(path string) bool { return disk.Exists(path) }

// Write writes a file of the run atomically.
func (f *Folder) Write(name string, content []byte) error {
	if err := f.lock.Check(); err != nil {
		return err
	}
	return disk.Write(f.Path(name), content)
}

// Remove removes a file of the run where it is there.
func (f *Folder) Remove(name string) error {
	if err := f.lock.Check(); err != nil {
		return err
	}
	if err := os.Remove(f.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return disk.WriteError(f.Path(name), err)
	}
	return nil
}

// Report is what others read of the work on the run, a few seconds later, and the error of a folder that was lost to another process.
func (f *Folder) Report(p lease.Progress) error {
	f.lock.SetProgress(p)
	return f.lock.Lost()
}

// Close gives the lock back.
func (f *Folder) Close() error { return f.lock.Release() }
