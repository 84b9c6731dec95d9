package export

import (
	"path/filepath"

	"longtail/eval"
	"longtail/internal/config"
	"longtail/internal/run"
)

// Run is a run as far as it is done.
type Run struct {
	Name       string // of its folder, the whole path where several runs share the name
	Dir        string
	Config     *config.Config
	History    []run.Epoch
	ClassNames []string  // [C]; empty where the data set is not known here
	Finished   *eval.Run // nil of a run without a result
}

// Load takes the finished runs of a set and reads the unfinished ones. What cannot be read becomes a problem of the set.
func Load(set *eval.Set) []*Run {
	var runs []*Run
	for _, r := range set.Runs {
		finished := Of(r)
		finished.Finished = r
		runs = append(runs, finished)
	}
	var left []eval.Problem
	for _, p := range set.Problems {
		if !p.Unfinished {
			left = append(left, p)
			continue
		}
		r, err := eval.ReadUnfinished(p.Path)
		if err != nil {
			left = append(left, eval.Problem{Path: p.Path, Err: err, Damage: true})
			continue
		}
		runs = append(runs, Of(r))
	}
	set.Problems = left
	name(runs)
	return runs
}

// Of is a run as far as it is done, with the name of its folder.
func Of(r *eval.Run) *Run {
	return &Run{Name: filepath.Base(r.Dir), Dir: r.Dir, Config: r.Config, History: r.History, ClassNames: r.Summary.ClassNames}
}

// name gives each run the name of its folder, or its path where that is not unique.
func name(runs []*Run) {
	count := map[string]int{}
	for _, r := range runs {
		count[filepath.Base(r.Dir)]++
	}
	for _, r := range runs {
		if r.Name = filepath.Base(r.Dir); count[r.Name] > 1 {
			r.Name = filepath.ToSlash(filepath.Clean(r.Dir))
		}
	}
}
