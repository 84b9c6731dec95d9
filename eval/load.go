package eval

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"longtail/eval/paper"
	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// Run is a finished run, read from its folder.
type Run struct {
	Dir         string
	Summary     run.Summary
	Config      *config.Config    // from config.yaml; what summary.json says of it where there is none
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
	Path       string
	Err        error
	Damage     bool // it cannot be read or contradicts other files; not merely unfinished, or a copy
	Unfinished bool // a run's folder that has a config and no result yet
}

// Set is what was found: runs sorted by folder, what had to be left out, and what a reader should know of the rest.
type Set struct {
	Runs     []*Run
	Problems []Problem
	Remarks  []string
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
	var found []*reading
	seen := map[string]bool{}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return Set{}, fail.Usage("looking for runs in %s: %w\ngive a run's folder or one that holds runs", p, err)
		}
		if !info.IsDir() {
			return Set{}, fail.Usage("%s is not a folder\ngive a run's folder or one that holds runs", p)
		}
		found = append(found, walk(p, seen)...)
	}
	readAll(found)
	var set Set
	for _, f := range found {
		if f.run != nil {
			set.Runs = append(set.Runs, f.run)
		}
		set.Problems, set.Remarks = append(set.Problems, f.problems...), append(set.Remarks, f.remarks...)
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

// walk finds the folders of runs at or below root that were not seen before, and does not read them yet.
func walk(root string, seen map[string]bool) (found []*reading) {
	problem := func(path string, err error, damage bool) {
		found = append(found, &reading{problems: []Problem{{Path: path, Err: err, Damage: damage}}})
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			problem(path, err, true)
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
		switch {
		case run.Exists(filepath.Join(path, run.SummaryFile)):
			found = append(found, &reading{dir: path})
		case run.Exists(filepath.Join(path, run.ConfigFile)):
			err := fmt.Errorf("not finished: it has no %s; the command that started it resumes it", run.SummaryFile)
			found = append(found, &reading{problems: []Problem{{Path: path, Err: err, Unfinished: true}}})
		default:
			return nil
		}
		return filepath.SkipDir // nothing below a run's folder is another run
	})
	if err != nil {
		problem(root, err, true)
	}
	return found
}

// readAll reads runs side by side: most of the time goes into files and their hashes.
func readAll(found []*reading) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(found); i = int(next.Add(1)) - 1 {
				found[i].read()
			}
		})
	}
	workers.Wait()
}
