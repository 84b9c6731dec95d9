package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"longtail/eval/paper"
	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/loss"
)

// Run is a finished run, read from its folder.
type Run struct {
	Dir         string
	Summary     run.Summary
	Config      *config.Config    // from config.yaml and, what it says comes first, summary.json
	ConfigText  string            // config.yaml as it is; empty where there is none
	Environment map[string]string // environment.json flattened; empty where there is none
	History     []run.Epoch       // metrics.jsonl; empty where there is none
}

// Name is the last part of the run's folder.
func (r *Run) Name() string { return filepath.Base(r.Dir) }

// Model is the run's loss.
func (r *Run) Model() paper.Model {
	return paper.NewModel(r.Summary.Loss, r.Summary.Gamma, r.Summary.Beta)
}

// Column is the run's long-tailed data set.
func (r *Run) Column() paper.Column {
	return paper.Column{Dataset: r.Summary.Dataset, Imbalance: r.Summary.Imbalance}
}

// Problem is a folder or file that could not be used, and why.
type Problem struct {
	Path   string
	Err    error
	Damage bool // it cannot be read or contradicts other files; not merely unfinished, or a copy
}

// Set is what was found: runs sorted by folder, and what had to be left out.
type Set struct {
	Runs     []*Run
	Problems []Problem
}

// Damage is a data error where a file was damaged, whether or not the run was left out; else nil.
func (s *Set) Damage() error {
	var first *Problem
	count := 0
	for i, p := range s.Problems {
		if !p.Damage {
			continue
		}
		if count++; first == nil {
			first = &s.Problems[i]
		}
	}
	switch count {
	case 0:
		return nil
	case 1:
		return fail.Data("a file is damaged: %s\nall that is shown is from the other files; longtail verify checks every file of a run", first.Path)
	}
	return fail.Data("%d files are damaged, the first is %s\nall that is shown is from the other files; longtail verify checks every file of a run", count, first.Path)
}

// Unsealed is the number of runs that ended before runs were sealed.
func (s *Set) Unsealed() (n int) {
	for _, r := range s.Runs {
		if r.Summary.Seal == nil {
			n++
		}
	}
	return n
}

// Load reads every run at or below the given folders, copies of a run once. A folder without runs gives an empty set; one that does not exist is
// an error (a usage error). A run that cannot be read, or that is not finished, is a Problem and does not stop the others.
func Load(paths ...string) (Set, error) {
	var set Set
	seen := map[string]bool{}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return Set{}, fail.Usage("looking for runs in %s: %w\ngive a run's folder or one that holds runs", p, err)
		}
		if !info.IsDir() {
			return Set{}, fail.Usage("%s is not a folder\ngive a run's folder or one that holds runs", p)
		}
		set.walk(p, seen)
	}
	slices.SortFunc(set.Runs, func(a, b *Run) int { return strings.Compare(a.Dir, b.Dir) })
	set.leaveOutCopies()
	return set, nil
}

// leaveOutCopies keeps the first of runs with the same config, seed and result, so that a copied folder does not pass for
// another seed.
func (s *Set) leaveOutCopies() {
	var kept []*Run
	for _, r := range s.Runs {
		if i := slices.IndexFunc(kept, r.isCopyOf); i >= 0 {
			s.Problems = append(s.Problems, Problem{Path: r.Dir, Err: fmt.Errorf("the same run as %s, so it is counted once", kept[i].Dir)})
			continue
		}
		kept = append(kept, r)
	}
	s.Runs = kept
}

func (r *Run) isCopyOf(other *Run) bool {
	if r.ConfigText == "" || other.ConfigText == "" || !reflect.DeepEqual(r.Summary, other.Summary) {
		return false
	}
	return !slices.ContainsFunc(r.Config.Differences(other.Config), func(key string) bool { return config.RoleOf(key) != config.Bookkeeping })
}

func (s *Set) walk(root string, seen map[string]bool) {
	problem := func(path string, err error) { s.Problems = append(s.Problems, Problem{path, err, true}) }
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			problem(path, err)
			return nil
		}
		if !d.IsDir() {
			return nil
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			if seen[real] {
				return filepath.SkipDir
			}
			seen[real] = true
		}
		r, err := ReadRun(path)
		switch {
		case err == nil:
			s.add(r)
		case !errors.Is(err, fs.ErrNotExist):
			problem(filepath.Join(path, run.SummaryFile), err)
		case run.Exists(filepath.Join(path, run.ConfigFile)):
			err := fmt.Errorf("not finished: it has no %s; the command that started it resumes it", run.SummaryFile)
			s.Problems = append(s.Problems, Problem{Path: path, Err: err})
		default:
			return nil
		}
		return filepath.SkipDir // nothing below a run's folder is another run
	})
	if err != nil {
		problem(root, err)
	}
}

// add takes a run whose summary was read. A sealed one with a file that does not fit its seal is left out: which of them is right
// is not known.
func (s *Set) add(r *Run) {
	problems := r.checkSeal()
	if len(problems) == 0 {
		s.Runs = append(s.Runs, r)
		problems = r.readRest()
	}
	s.Problems = append(s.Problems, problems...)
}

// checkSeal compares the small files of a sealed run with its seal, and the names of its checkpoints: reading those takes long.
func (r *Run) checkSeal() (problems []Problem) {
	if r.Summary.Seal == nil {
		return nil
	}
	path := filepath.Join(r.Dir, run.ConfigFile)
	fingerprint, err := config.FingerprintFile(path)
	if err != nil {
		return []Problem{{path, err, true}}
	}
	for _, name := range []string{run.ConfigFile, run.SplitFile, run.MetricsFile} {
		if err := errors.Join(r.Summary.CheckFiles(r.Dir, fingerprint, name)...); err != nil {
			problems = append(problems, Problem{filepath.Join(r.Dir, name), err, true})
		}
	}
	if err := r.Summary.CheckNames(r.Dir); err != nil {
		problems = append(problems, Problem{filepath.Join(r.Dir, filepath.Dir(run.Last)), err, true})
	}
	return problems
}

// ReadRun reads the summary of one run's folder. A missing summary.json is an error that is fs.ErrNotExist.
func ReadRun(dir string) (*Run, error) {
	s, err := run.ReadSummary(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Summary: *s, Config: config.Defaults()}
	return r, r.applySummary()
}

// readRest reads the files that a result can do without; those that are there but broken are problems.
func (r *Run) readRest() (problems []Problem) {
	read := func(name string, parse func(path string) error) {
		path := filepath.Join(r.Dir, name)
		if err := parse(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, Problem{path, err, true})
		}
	}
	read(run.ConfigFile, func(path string) error {
		b, err := config.ReadFile(path)
		if err != nil {
			return err
		}
		r.ConfigText = string(b)
		c := config.Defaults()
		if err := c.Parse(b, path); err != nil {
			return err
		}
		r.Config = c
		return r.applySummary()
	})
	read(run.EnvironmentFile, func(path string) error {
		fingerprint, err := config.Fingerprint([]byte(r.ConfigText))
		if err != nil {
			return err
		}
		e, err := run.ReadEnvironment(r.Dir, fingerprint)
		if errors.Is(err, fs.ErrNotExist) && r.Summary.Seal != nil {
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
		r.Environment, err = config.Flatten(text) // JSON is YAML
		return err
	})
	read(run.MetricsFile, func(path string) error {
		history, err := run.ReadEpochs(path)
		if err == nil {
			err = r.Summary.CheckEpochs(history)
		}
		if err == nil {
			r.History = history
		}
		return err
	})
	return problems
}

// applySummary puts what summary.json knows of the config into the run's config, so that runs compare even where config.yaml
// is lost.
func (r *Run) applySummary() error {
	s := r.Summary
	overrides := []string{
		"model.name=" + s.Model, "data.dataset=" + s.Dataset, "data.imbalance=" + formatNumber(s.Imbalance), "data.profile=" + s.Profile,
		"loss.name=" + s.Loss, "loss.beta=" + formatNumber(s.Beta), "train.epochs=" + formatNumber(s.Epochs), fmt.Sprintf("train.batch=%d", s.Batch),
		fmt.Sprintf("seed=%d", s.Seed),
	}
	for _, o := range loss.OptionsOf(s.Loss) {
		if o.Name == "gamma" {
			overrides = append(overrides, "loss.gamma="+formatNumber(s.Gamma))
		}
	}
	if err := r.Config.Override(overrides); err != nil {
		return err
	}
	r.Config.Derive()
	return nil
}

// formatNumber writes a number as config.yaml has it.
func formatNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
