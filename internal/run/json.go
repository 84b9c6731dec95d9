package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// SummaryVersion is the version of summary.json that is written and read.
const SummaryVersion = 1

// MaxRecordBytes bounds summary.json and environment.json: a confusion matrix of some thousand classes.
const MaxRecordBytes = 256 << 20

// WriteJSON writes a record of the run as indented JSON, atomically.
func (f *Folder) WriteJSON(name string, record any) error {
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.Path(name), err)
	}
	return f.Write(name, append(text, '\n'))
}

// ReadSummary reads the result of the run in a folder. Errors are data errors that name the file; a run that is not finished
// gives one that is fs.ErrNotExist.
func ReadSummary(dir string) (*Summary, error) {
	path := filepath.Join(dir, SummaryFile)
	text, err := disk.Read(path, MaxRecordBytes)
	if err != nil {
		return nil, fail.Data("reading the result of a run: %w", err)
	}
	s, err := parseSummary(text)
	if err != nil {
		return nil, fail.Data("%s is damaged: %w\nremove it and give the run's command again: it is written anew from the checkpoint", path, err)
	}
	return s, nil
}

func parseSummary(text []byte) (*Summary, error) {
	s := &Summary{}
	if err := disk.Decode(text, s); err != nil {
		return nil, err
	}
	if s.Version != SummaryVersion {
		return nil, fmt.Errorf("version %d, expected %d", s.Version, SummaryVersion)
	}
	classes := len(s.Counts)
	if classes == 0 || len(s.ClassNames) != classes || len(s.TestCounts) != classes {
		return nil, fmt.Errorf("%d classes have %d names and %d test counts", classes, len(s.ClassNames), len(s.TestCounts))
	}
	for _, r := range []*Result{&s.Last, &s.Best, s.BestByValidation} {
		if r == nil {
			continue
		}
		if err := r.check(classes); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// check compares the sizes in a result with the number of classes.
func (r *Result) check(classes int) error {
	if len(r.PerClass) != classes || len(r.Confusion) != classes {
		return fmt.Errorf("a result of %d classes in a run of %d", len(r.Confusion), classes)
	}
	for _, row := range r.Confusion {
		if len(row) != classes {
			return errors.New("a confusion matrix that is not square")
		}
	}
	return nil
}
