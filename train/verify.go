package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// Verdict is what Verify finds in the folder of a run.
type Verdict struct {
	Dir      string
	Finished bool     // it has a result
	Sealed   bool     // the result has a seal
	Removed  []string // file names of checkpoints that were removed on purpose
	Step     int      // of the last checkpoint, or of the result where there is none; 0 before the first
	Problems []error  // data errors that name the file; none where all fits
}

// Verify reads all that is in a run's folder, checkpoints too, and compares it: files with the seal, numbers with those that they
// follow from, checkpoints with the config, the split, the metrics and the result. It needs neither images nor a device and writes
// nothing. A run that is not finished is compared as far as it is.
func Verify(dir string) *Verdict {
	v := &verifier{Verdict: Verdict{Dir: dir}}
	v.readConfig()
	v.readSplit()
	v.readSummary()
	v.readMetrics()
	for _, name := range Checkpoints() {
		v.readCheckpoint(name)
	}
	v.readEnvironment()
	v.readInput()
	return &v.Verdict
}

// verifier holds what was read so far; nil is what is missing or damaged.
type verifier struct {
	Verdict
	config  *config.Config
	split   *data.Split
	summary *run.Summary
	lines   [][]byte // of metrics.jsonl, with their ends
	last    *Position
}

func (v *verifier) path(name string) string { return filepath.Join(v.Dir, name) }

// problem records that a file does not fit. Errors that do not name the file get its name.
func (v *verifier) problem(name string, err error) {
	if !strings.Contains(err.Error(), v.path(name)) {
		err = fmt.Errorf("%s: %w", v.path(name), err)
	}
	v.Problems = append(v.Problems, fail.Data("%w", err))
}

func (v *verifier) readConfig() {
	var err error
	if v.config, err = config.LoadRun(v.path(run.ConfigFile)); err != nil {
		v.config = nil
		v.problem(run.ConfigFile, err)
	}
}

func (v *verifier) readSplit() {
	split, err := data.ReadSplit(v.path(run.SplitFile))
	if err != nil {
		v.problem(run.SplitFile, err)
		return
	}
	v.split = split
}

// readSummary reads the result and compares the files with its seal.
func (v *verifier) readSummary() {
	v.Finished = run.Exists(v.path(run.SummaryFile))
	if !v.Finished {
		return
	}
	s, err := run.ReadSummary(v.Dir)
	if err != nil {
		v.problem(run.SummaryFile, err)
		return
	}
	v.summary, v.Sealed, v.Step = s, s.Seal != nil, s.Steps
	fingerprint := ""
	if v.config != nil {
		if fingerprint, err = config.FingerprintFile(v.path(run.ConfigFile)); err != nil {
			v.problem(run.ConfigFile, err)
		}
	}
	v.Problems = append(v.Problems, s.CheckFiles(v.Dir, fingerprint)...)
	v.Removed, _ = s.Removed(v.Dir) // its error is that of the files that it is about
	v.compareSettings()
}

// compareSettings compares what the result repeats of the config with it.
func (v *verifier) compareSettings() {
	if v.config == nil {
		return
	}
	differs, err := v.config.Contradiction(v.summary.Settings())
	if err == nil && differs != "" {
		err = fmt.Errorf("it does not fit %s: %s", run.ConfigFile, differs)
	}
	if err != nil {
		v.problem(run.SummaryFile, err)
	}
}

// readMetrics reads the epochs and compares them with the result.
func (v *verifier) readMetrics() {
	path := v.path(run.MetricsFile)
	if !run.Exists(path) {
		if v.Finished {
			v.problem(run.MetricsFile, fs.ErrNotExist)
		}
		return
	}
	epochs, err := run.ReadEpochs(path)
	if err == nil && v.summary != nil {
		err = v.summary.CheckEpochs(epochs)
	}
	if err != nil {
		v.problem(run.MetricsFile, err)
		return
	}
	text, err := disk.Read(path, run.MaxLinesBytes)
	if err != nil {
		v.problem(run.MetricsFile, err)
		return
	}
	v.lines = slices.Collect(bytes.Lines(text))[:len(epochs)]
}

// readEnvironment reads the record of what computed the run, where it is.
func (v *verifier) readEnvironment() {
	fingerprint, err := config.FingerprintFile(v.path(run.ConfigFile))
	if err != nil {
		return // which is said already
	}
	_, err = run.ReadEnvironment(v.Dir, fingerprint)
	if err != nil && (v.Sealed || !errors.Is(err, fs.ErrNotExist)) {
		v.problem(run.EnvironmentFile, err)
	}
}

// readInput reads what the network is told of images, where it is, and compares it with the result.
func (v *verifier) readInput() {
	if v.config == nil || !run.Exists(v.path(run.InputFile)) {
		return
	}
	in, err := readInput(v.Dir, v.config)
	if err == nil && v.summary != nil && !slices.Equal(in.ClassNames, v.summary.ClassNames) {
		err = fmt.Errorf("its classes are not those of %s", run.SummaryFile)
	}
	if err != nil {
		v.problem(run.InputFile, err)
	}
}

// readCheckpoint compares a checkpoint with everything else.
func (v *verifier) readCheckpoint(name string) {
	file := checkpoints[name]
	if !run.Exists(v.path(file)) {
		return // the seal knows whether there was one
	}
	tensors, err := run.ReadTensors(v.path(file))
	if err != nil {
		v.problem(file, err)
		return
	}
	if v.config == nil || v.split == nil {
		return // the checkpoint may be right: what it belongs to is not known
	}
	if err := v.compare(name, tensors); err != nil {
		v.problem(file, err)
	}
}

func (v *verifier) compare(name string, tensors *run.Tensors) error {
	id, err := NewIdentity(v.config, *v.split)
	if err != nil {
		return err
	}
	classes, steps, err := v.size(tensors)
	if err != nil {
		return err
	}
	c, err := parseCheckpoint(tensors, id, steps, classes)
	if err != nil {
		return err
	}
	if name == "last" {
		v.last, v.Step = &c.Position, c.Step
	}
	if v.last != nil {
		if err := c.isRecorded(name, v.last); err != nil {
			return err
		}
	}
	if err := v.compareMetrics(c); err != nil {
		return err
	}
	return v.compareResult(name, c, tensors)
}

// size is the number of classes and of steps of the run. Before its end, classes are counted in the checkpoint and steps are unknown.
func (v *verifier) size(tensors *run.Tensors) (classes, steps int, err error) {
	if v.summary != nil {
		return len(v.summary.Counts), v.summary.Steps, nil
	}
	var p Position
	if err := disk.Decode([]byte(tensors.Metadata[positionKey]), &p); err != nil {
		return 0, 0, fmt.Errorf("its position: %w", err)
	}
	if classes = p.Sums.Classes; classes == 0 {
		return 0, 0, errors.New("its position: it has no classes")
	}
	return classes, math.MaxInt, nil
}

// compareMetrics compares the lines of metrics.jsonl that belong to a checkpoint with the hash in it. Lines after them are those of
// a process that was killed before its next checkpoint.
func (v *verifier) compareMetrics(c *Checkpoint) error {
	if len(v.lines) < c.Records {
		return fmt.Errorf("it was written after %d lines of %s, which has %d whole ones", c.Records, run.MetricsFile, len(v.lines))
	}
	if c.Records == 0 || c.Metrics == "" {
		return nil
	}
	var before []byte
	for _, line := range v.lines[:c.Records] {
		before = append(before, line...)
	}
	if run.Hash(before) != c.Metrics {
		return fmt.Errorf("the first %d lines of %s are not those that it was written after", c.Records, run.MetricsFile)
	}
	return nil
}

// compareResult compares a checkpoint with the result that it should have given.
func (v *verifier) compareResult(name string, c *Checkpoint, tensors *run.Tensors) error {
	if v.summary == nil {
		return nil
	}
	if _, sealed := tensors.Metadata[metricsKey]; name == "last" && sealed && !v.Sealed {
		return fmt.Errorf("it was written by a program that seals runs, but %s has no seal", run.SummaryFile)
	}
	want := map[string]*run.Result{"last": &v.summary.Last, "best": &v.summary.Best, "best_validation": v.summary.BestByValidation}[name]
	got := map[string]*run.Result{"last": c.Last, "best": c.Best, "best_validation": c.BestByValidation}[name]
	switch {
	case want == nil:
		return fmt.Errorf("%s has no such result", run.SummaryFile)
	case c.Step != want.Step:
		return fmt.Errorf("it is of step %d, the result in %s of step %d", c.Step, run.SummaryFile, want.Step)
	case got == nil || !equalJSON(got, want):
		return fmt.Errorf("its result is another one than that in %s", run.SummaryFile)
	}
	return nil
}

// equalJSON reports whether two values are written the same way: empty and missing lists are.
func equalJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
