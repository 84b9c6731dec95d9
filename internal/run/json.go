package run

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"unicode"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// SummaryVersion is the version of summary.json that is written. Version 1, which has no seal, is read too.
const SummaryVersion = 2

// MaxRecordBytes bounds summary.json and environment.json: a confusion matrix of some thousand classes.
const MaxRecordBytes = 256 << 20

// WriteJSON writes a record of the run as indented JSON, atomically.
func (f *Folder) WriteJSON(name string, record any) error {
	text, err := disk.Encode(record)
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.Path(name), err)
	}
	return f.Write(name, text)
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
	if s.Seal == nil && hasSealedEnvironment(dir) {
		return nil, fail.Data("%s is damaged: it has no seal, but %s was written by a program that seals runs\nrestore it from a copy, or train the run again in another folder", path, EnvironmentFile)
	}
	return s, nil
}

func parseSummary(text []byte) (*Summary, error) {
	s := &Summary{}
	if err := disk.Decode(text, s); err != nil {
		return nil, err
	}
	if s.Version < 1 || s.Version > SummaryVersion {
		return nil, fmt.Errorf("version %d, this program reads 1 to %d", s.Version, SummaryVersion)
	}
	if err := s.checkSeal(); err != nil {
		return nil, err
	}
	if err := s.checkNames(); err != nil {
		return nil, err
	}
	classes := len(s.Counts)
	if classes == 0 || len(s.ClassNames) != classes || len(s.TestCounts) != classes {
		return nil, fmt.Errorf("%d classes have %d names and %d test counts", classes, len(s.ClassNames), len(s.TestCounts))
	}
	for name, r := range map[string]*Result{"last": &s.Last, "best": &s.Best, "best_by_validation": s.BestByValidation} {
		if r == nil {
			continue
		}
		if err := r.check(s.TestCounts); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if r.Step < 1 || r.Step > s.Steps {
			return nil, fmt.Errorf("%s: step %d of a run of %d", name, r.Step, s.Steps)
		}
	}
	if s.Last.Step != s.Steps {
		return nil, fmt.Errorf("last: step %d of a run of %d", s.Last.Step, s.Steps)
	}
	if s.Best.Error > s.Last.Error {
		return nil, fmt.Errorf("best: its error %v is above the last one's, %v", s.Best.Error, s.Last.Error)
	}
	return s, s.checkAdjusted()
}

// longestName is how many bytes a name may have: tables and pictures show it.
const longestName = 200

// checkNames refuses names that are paths, which names of files are made of, characters that a terminal obeys, and names that fill it.
func (s *Summary) checkNames() error {
	for key, name := range map[string]string{"dataset": s.Dataset, "model": s.Model, "loss": s.Loss, "profile": s.Profile} {
		if strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") || hasControl(name) || len(name) > longestName {
			return fmt.Errorf("%s: %s cannot be a name", key, fail.Quote(name))
		}
	}
	for c, name := range s.ClassNames {
		if hasControl(name) {
			return fmt.Errorf("class_names: %s of class %d has a control character", fail.Quote(name), c)
		}
		if len(name) > longestName {
			return fmt.Errorf("class_names: %s of class %d is too long", fail.Quote(name), c)
		}
	}
	return nil
}

func hasControl(name string) bool { return strings.ContainsFunc(name, unicode.IsControl) }

// near is how far a number may be from the one that it follows from: files of other programs round.
const near = 1e-9

// check compares the numbers of a result with those that they follow from: all but the loss and the
// calibration error are functions of the confusion matrix, whose rows are the test images of each class.
func (r *Result) check(testCounts []int) error {
	if err := r.Fits(len(testCounts)); err != nil {
		return err
	}
	tally := r.Tally()
	for c, total := range tally.Samples {
		if total != int64(testCounts[c]) {
			return fmt.Errorf("confusion: class %d has %d test images, test_counts says %d", c, total, testCounts[c])
		}
	}
	want := NewScore(tally, 0)
	for _, f := range []struct {
		key       string
		got, want float64
	}{{"error", r.Error, want.Error}, {"accuracy", r.Accuracy, want.Accuracy}} {
		if !(math.Abs(f.got-f.want) <= near) {
			return fmt.Errorf("%s is %v, the confusion matrix says %v", f.key, f.got, f.want)
		}
	}
	for c, got := range r.PerClass {
		if !(math.Abs(got-want.PerClass[c]) <= near) {
			return fmt.Errorf("per_class of class %d is %v, the confusion matrix says %v", c, got, want.PerClass[c])
		}
	}
	if !(r.Loss >= 0) || math.IsInf(r.Loss, 0) {
		return fmt.Errorf("loss is %v", r.Loss)
	}
	if r.ECE != nil && !(*r.ECE >= 0 && *r.ECE <= 1) {
		return fmt.Errorf("ece is %v, a calibration error is from 0 to 1", *r.ECE)
	}
	return nil
}
