package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"longtail/internal/disk"
	"longtail/internal/fail"
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

// ErrBusy is the error of a folder that another process has locked.
var ErrBusy = errors.New("another process is at work")

// Folder is a run's folder that this process alone may write to.
type Folder struct {
	Dir  string
	lock *os.File
}

// Open makes the folder where it is not there and locks it. It is an error where another process has it, where it cannot be
// made or written to, and (a usage error) where it holds other things than a run.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, folderError(dir, err)
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, folderError(dir, err)
	}
	f := &Folder{dir, lock}
	if err := f.take(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := os.MkdirAll(f.Path(filepath.Dir(Last)), 0o777); err != nil {
		return nil, errors.Join(folderError(dir, err), lock.Close())
	}
	return f, nil
}

func folderError(dir string, err error) error {
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist) {
		return fail.Usage("the run's folder %s: %w\nname a folder with out=FOLDER", dir, err)
	}
	return fmt.Errorf("making the run's folder %s: %w\nname one that you may write to with out=FOLDER", dir, err)
}

// take locks the folder and removes what a killed process left half-written.
func (f *Folder) take() error {
	err := disk.Lock(f.lock)
	switch {
	case errors.Is(err, disk.ErrLocked):
		return fmt.Errorf("%w in %s\nwait for it, or choose another folder with out=FOLDER", ErrBusy, f.Dir)
	case err != nil:
		return fmt.Errorf("locking %s: %w\nput the run on a file system with locks (flock)", f.Dir, err)
	}
	var strangers []string
	for _, dir := range []string{f.Dir, filepath.Join(f.Dir, filepath.Dir(Last))} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return folderError(dir, err)
		}
		for _, e := range entries {
			switch path := filepath.Join(dir, e.Name()); {
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
	ours := []string{ConfigFile, EnvironmentFile, InputFile, SplitFile, SummaryFile, Last, Best, BestValidation}
	return slices.ContainsFunc(ours, func(name string) bool { return disk.IsLeftover(e, filepath.Base(name)) })
}

// Path is where a file of the run lies.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// Has reports whether a file of the run is there.
func (f *Folder) Has(name string) bool { return Exists(f.Path(name)) }

// Exists is disk.Exists.
func Exists(path string) bool { return disk.Exists(path) }

// Write writes a file of the run atomically.
func (f *Folder) Write(name string, content []byte) error { return disk.Write(f.Path(name), content) }

// Close gives the lock back.
func (f *Folder) Close() error { return f.lock.Close() }
