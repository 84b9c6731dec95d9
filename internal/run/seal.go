package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Seal ties a result to the files that it comes from: SHA-256 in hexadecimal. Where a run lies and what it was computed on are left
// out, so that folders can be moved.
type Seal struct {
	Config      string            `json:"config"`      // config.Fingerprint of config.yaml
	Split       string            `json:"split"`       // of split.json
	Metrics     string            `json:"metrics"`     // of metrics.jsonl
	Checkpoints map[string]string `json:"checkpoints"` // of the checkpoints, by file name
	Summary     string            `json:"summary"`     // of summary.json with this field empty
}

// Checkpoints are the files of checkpoints that a run may have.
func Checkpoints() []string { return []string{Last, Best, BestValidation} }

// WriteSummary seals a result and writes it: the last file of a run.
func (f *Folder) WriteSummary(s Summary, fingerprint string) error {
	seal := &Seal{Config: fingerprint, Checkpoints: map[string]string{}}
	var err error
	if seal.Split, err = hashFile(f.Dir, SplitFile); err != nil {
		return fmt.Errorf("sealing the run: %w", err)
	}
	if seal.Metrics, err = hashFile(f.Dir, MetricsFile); err != nil {
		return fmt.Errorf("sealing the run: %w", err)
	}
	for _, name := range Checkpoints() {
		if !f.Has(name) {
			continue
		}
		if seal.Checkpoints[filepath.Base(name)], err = hashFile(f.Dir, name); err != nil {
			return fmt.Errorf("sealing the run: %w", err)
		}
	}
	s.Seal = seal
	if seal.Summary, err = s.hash(); err != nil {
		return err
	}
	return f.WriteJSON(SummaryFile, s)
}

// hash is the SHA-256 of the summary with its own hash left empty.
func (s *Summary) hash() (string, error) {
	plain, seal := *s, *s.Seal
	seal.Summary = ""
	plain.Seal = &seal
	text, err := json.Marshal(plain)
	if err != nil {
		return "", fmt.Errorf("sealing the result: %w", err)
	}
	return Hash(text), nil
}

// Hash is the SHA-256 of a text in hexadecimal.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// hashFile is the SHA-256 of one of the run's regular files in hexadecimal.
func hashFile(dir, name string) (string, error) {
	limit := int64(MaxTensorBytes)
	switch name {
	case SplitFile, MetricsFile:
		limit = MaxLinesBytes
	}
	return disk.Hash(filepath.Join(dir, name), limit)
}

// checkSeal compares the summary with its own seal. One that was written before there were seals has none.
func (s *Summary) checkSeal() error {
	switch {
	case s.Version == SummaryVersion && s.Seal == nil:
		return errors.New("it has no seal")
	case s.Version != SummaryVersion && s.Seal != nil:
		return fmt.Errorf("it is of version %d and has a seal", s.Version)
	case s.Seal == nil:
		return nil
	}
	want, err := s.hash()
	if err != nil {
		return err
	}
	if want != s.Seal.Summary {
		return errors.New("its seal does not fit: a value was changed after the run ended")
	}
	return nil
}

// CheckFiles compares files of a finished run's folder with the seal of its summary, and returns a data error for each that does not
// fit; all where none is named. fingerprint is that of its config.yaml. A run without a seal has nothing to compare.
func (s *Summary) CheckFiles(dir, fingerprint string, files ...string) []error {
	if s.Seal == nil {
		return nil
	}
	if len(files) == 0 {
		files = append([]string{ConfigFile, SplitFile, MetricsFile}, Checkpoints()...)
	}
	var problems []error
	for _, name := range files {
		if err := s.checkFile(dir, name, fingerprint); err != nil {
			problems = append(problems, fail.Data("%s: %w", filepath.Join(dir, name), err))
		}
	}
	return problems
}

func (s *Summary) checkFile(dir, name, fingerprint string) error {
	want, sealed := map[string]string{ConfigFile: s.Seal.Config, SplitFile: s.Seal.Split, MetricsFile: s.Seal.Metrics}[name]
	got := fingerprint
	if slices.Contains(Checkpoints(), name) {
		want, sealed = s.Seal.Checkpoints[filepath.Base(name)]
		if !sealed && !Exists(filepath.Join(dir, name)) {
			return nil
		}
		if removed, err := s.isRemoved(dir, name); removed || err != nil {
			return err
		}
	}
	if name != ConfigFile {
		var err error
		got, err = hashFile(dir, name)
		if err != nil && !Exists(filepath.Join(dir, name)) {
			return fmt.Errorf("the seal of %s names it, and it is missing: %w", SummaryFile, err)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case !sealed:
		return fmt.Errorf("the seal of %s does not know it: it was added after the run ended", SummaryFile)
	case got != want:
		return fmt.Errorf("it does not fit the seal of %s: it was changed after the run ended, or is another run's", SummaryFile)
	}
	return nil
}

// CheckNames compares the names of the checkpoints in a finished run's folder with those of its seal, and reads none of them. It reports
// whether all are missing, which is no error: the folder was copied without them, and its result is whole. Those that Prune removed are none either.
func (s *Summary) CheckNames(dir string) (missing bool, err error) {
	if s.Seal == nil {
		return false, nil
	}
	removed, err := s.Removed(dir)
	if err != nil {
		return false, err
	}
	var there []string
	for _, name := range Checkpoints() {
		if Exists(filepath.Join(dir, name)) {
			there = append(there, filepath.Base(name))
		}
	}
	for _, name := range Checkpoints() {
		name = filepath.Base(name)
		_, sealed := s.Seal.Checkpoints[name]
		switch found := slices.Contains(there, name); {
		case found && !sealed:
			return false, fmt.Errorf("%s was added after the run ended: the seal of %s does not know it", name, SummaryFile)
		case sealed && !found && len(there) > 0 && !slices.Contains(removed, name):
			return false, fmt.Errorf("%s is missing, which the seal of %s names", name, SummaryFile)
		}
	}
	return len(there) == 0 && len(s.Seal.Checkpoints) > 0, nil
}

// CheckEpochs compares metrics.jsonl with the result: its last line is the last step, and the tests of the results are in it.
func (s *Summary) CheckEpochs(epochs []Epoch) error {
	if len(epochs) == 0 {
		return fmt.Errorf("it has no line, but the run has %d steps", s.Steps)
	}
	if last := epochs[len(epochs)-1]; last.Step != s.Steps {
		return fmt.Errorf("step: its last line is of step %d, but the run has %d: lines are missing", last.Step, s.Steps)
	}
	tests := map[int]*Score{}
	for _, e := range epochs {
		tests[e.Step] = e.Test
	}
	for name, r := range map[string]*Result{"last": &s.Last, "best": &s.Best, "best_by_validation": s.BestByValidation} {
		if r == nil {
			continue
		}
		test := tests[r.Step]
		if test == nil {
			return fmt.Errorf("test: it has none at step %d, that of %s in %s", r.Step, name, SummaryFile)
		}
		if !(math.Abs(test.Error-r.Error) <= near) {
			return fmt.Errorf("test.error: it is %v at step %d, but %s in %s is %v", test.Error, r.Step, name, SummaryFile, r.Error)
		}
	}
	return nil
}
