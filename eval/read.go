package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// reading is a run's folder that was found, and what reading it gave.
type reading struct {
	dir         string // empty: there is nothing to read
	fingerprint string // of config.yaml; empty where there is none
	run         *Run   // nil: it is left out
	problems    []Problem
	remarks     []string
}

func (r *reading) problem(name string, err error) {
	r.problems = append(r.problems, Problem{Path: filepath.Join(r.dir, name), Err: err, Damage: true})
}

// read reads the run. One whose files do not fit each other is left out: which of them is right is not known. Of a run without a seal,
// files that a result can do without may be missing, and are problems where they are broken.
func (r *reading) read() {
	if r.dir == "" {
		return
	}
	s, err := run.ReadSummary(r.dir)
	if err != nil {
		r.problem(run.SummaryFile, err)
		return
	}
	found := &Run{Dir: r.dir, Summary: *s}
	text, err := config.ReadFile(filepath.Join(r.dir, run.ConfigFile))
	if err == nil {
		r.fingerprint, err = config.Fingerprint(text)
	}
	if !r.checkSeal(&found.Summary, err) || !r.readConfig(found, text, err) {
		return
	}
	r.run = found
	r.file(run.EnvironmentFile, r.readEnvironment)
	r.file(run.MetricsFile, r.readMetrics)
}

// file reads a file that a result can do without; one that is there but broken is a problem.
func (r *reading) file(name string, read func(path string) error) {
	if err := read(filepath.Join(r.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.problem(name, err)
	}
}

// checkSeal compares the small files of a sealed run with its seal, and the names of its checkpoints: reading those takes long. It reports
// whether all fit. configErr is that of reading config.yaml.
func (r *reading) checkSeal(s *run.Summary, configErr error) bool {
	if s.Seal == nil {
		return true
	}
	if configErr != nil {
		r.problem(run.ConfigFile, configErr)
		return false
	}
	for _, name := range []string{run.ConfigFile, run.SplitFile, run.MetricsFile} {
		if err := errors.Join(s.CheckFiles(r.dir, r.fingerprint, name)...); err != nil {
			r.problem(name, err)
		}
	}
	missing, err := s.CheckNames(r.dir)
	if err != nil {
		r.problem(filepath.Dir(run.Last), err)
	}
	if missing {
		r.remarks = append(r.remarks, fmt.Sprintf("%s has none of the checkpoints that its seal names: its numbers fit the seal, but cannot be computed again", r.dir))
	}
	return len(r.problems) == 0
}

// readConfig takes the text of config.yaml, or the error of reading it, compares it with the result, and reports whether they fit. Names
// that this program does not have are those of another one, to which a data set was added, say: that both files have them is believed.
func (r *reading) readConfig(found *Run, text []byte, err error) bool {
	if errors.Is(err, fs.ErrNotExist) {
		if !r.configOfSummary(found) {
			return false
		}
		if key, name := found.Config.UnknownName(); key != "" {
			r.problem(run.SummaryFile, fail.Data("%s: this program has no %s, and no %s says what it is", key, fail.Quote(name), run.ConfigFile))
			return false
		}
		return true
	}
	path := filepath.Join(r.dir, run.ConfigFile)
	found.ConfigText = string(text)
	c := config.Defaults()
	if err == nil {
		err = c.Parse(text, path)
	}
	if err != nil {
		r.problem(run.ConfigFile, err)
		return r.configOfSummary(found)
	}
	differs, err := c.Contradiction(found.Summary.Settings())
	if err == nil && differs != "" {
		err = fail.Data("it does not fit %s: %s", run.ConfigFile, differs)
	}
	if err != nil {
		r.problem(run.SummaryFile, err)
		return false
	}
	c.Derive()
	if key, name := c.UnknownName(); key != "" {
		r.remarks = append(r.remarks, fmt.Sprintf("%s: %s: this program has no %s: the run is shown as its files say", path, key, fail.Quote(name)))
	}
	found.Config = c
	return true
}

// configOfSummary makes the config of a run of what its result repeats of it, and reports whether it can.
func (r *reading) configOfSummary(found *Run) bool {
	found.Config = config.Defaults()
	if err := found.Config.Override(found.Summary.Settings()); err != nil {
		r.problem(run.SummaryFile, err)
		return false
	}
	found.Config.Derive()
	return true
}

func (r *reading) readEnvironment(string) error {
	e, err := run.ReadEnvironment(r.dir, r.fingerprint)
	if errors.Is(err, fs.ErrNotExist) && r.run.Summary.Seal != nil {
		return fail.Data("it is missing")
	}
	if err != nil {
		return err
	}
	e.Seal = ""
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	r.run.Environment, err = config.Flatten(text) // JSON is YAML
	return err
}

func (r *reading) readMetrics(path string) error {
	history, err := run.ReadEpochs(path)
	if err == nil {
		err = r.run.Summary.CheckEpochs(history)
	}
	if err == nil {
		r.run.History = history
	}
	return err
}

// ReadUnfinished reads a run that has no result yet, as far as it is. Of its summary only what the config says is there.
func ReadUnfinished(dir string) (*Run, error) {
	path := filepath.Join(dir, run.ConfigFile)
	text, err := config.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := config.Defaults()
	if err := c.Parse(text, path); err != nil {
		return nil, err
	}
	c.Derive()
	history, err := run.ReadEpochs(filepath.Join(dir, run.MetricsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names, err := data.ClassNames(c.Data.Dataset)
	if err != nil {
		names = nil // a data set of another program: its classes have numbers
	}
	counts, err := data.Counts(c.DataSpec())
	if err != nil {
		counts = nil // they need files that are not here
	}
	s := run.Summary{
		Model: c.Network(), Dataset: c.Data.Dataset, Imbalance: float64(c.Data.Imbalance), Profile: c.Data.Profile,
		Loss: c.Loss.Name, Beta: c.Loss.Beta, Gamma: c.Loss.Options()["gamma"], Seed: c.Seed,
		Epochs: c.Train.Epochs, Batch: c.Train.Batch, ClassNames: names, Counts: counts,
	}
	return &Run{Dir: dir, Summary: s, Config: c, ConfigText: string(text), History: history}, nil
}
