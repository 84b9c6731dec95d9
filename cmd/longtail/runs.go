package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"longtail/eval"
	"longtail/eval/tables"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
	"longtail/internal/run"

	"github.com/spf13/cobra"
)

// runsOptions are the flags of commands that read runs and write something about them: --runs names what is read, --out the
// place that is written.
type runsOptions struct {
	*options
	runs   []string
	out    string
	score  string
	metric string
}

// add adds the flags. What --out names differs from command to command; alias is an older name of it.
func (o *runsOptions) add(cmd *cobra.Command, out, alias string) {
	f := cmd.Flags()
	f.StringArrayVar(&o.runs, "runs", nil, "a run's folder or a folder of runs to read, may be repeated (default: "+grid.DefaultOut+")")
	f.StringVar(&o.out, "out", "", out)
	f.StringVar(&o.score, "score", string(eval.Last), "test result in pictures and beside the paper's: last, best or best_by_validation")
	f.StringVar(&o.metric, "metric", string(eval.ErrorRate), "number in tables: "+metricNames())
	f.StringVar(&o.out, alias, "", "older name of --out")
	f.Lookup(alias).Hidden = true
}

// which is the result that --score names.
func (o *runsOptions) which() (eval.Which, error) {
	for _, w := range eval.Results() {
		if string(w) == o.score {
			return w, nil
		}
	}
	return "", fail.Usage("--score %s: no such result\nchoose last, best or best_by_validation", o.score)
}

// metricNames lists the metrics for people.
func metricNames() string {
	var names []string
	for _, m := range eval.Metrics() {
		names = append(names, fmt.Sprintf("%s (%s)", m, m.Title()))
	}
	return strings.Join(names, ", ")
}

// quoted is the result and the number of it that --score and --metric name.
func (o *runsOptions) quoted() (eval.Which, eval.Metric, error) {
	w, err := o.which()
	if err != nil {
		return "", "", err
	}
	m, err := eval.ParseMetric(o.metric)
	return w, m, err
}

// checkOut refuses a folder of runs as the place to write to: it was probably meant to be read.
func (o *runsOptions) checkOut(cmd *cobra.Command) error {
	if o.out == "" || !holdsRuns(o.out) {
		return nil
	}
	return fail.Usage("--out %s is a folder of runs, and --out names what %s writes\nto read runs from there: %s", o.out, cmd.Name(),
		fail.CommandLine([]string{"longtail", cmd.Name(), "--runs", o.out}))
}

// holdsRuns reports whether a folder is a run's or has runs directly below it.
func holdsRuns(dir string) bool {
	for _, name := range []string{run.ConfigFile, run.SummaryFile} {
		below, err := filepath.Glob(filepath.Join(dir, "*", name))
		if err == nil && len(below) > 0 || run.Exists(filepath.Join(dir, name)) {
			return true
		}
	}
	return false
}

// inputs are what a command that reads runs was given.
type inputs struct {
	config  *tables.Experiment // nil without a sweep's file
	folders []string           // at least one
}

// inputs sorts arguments into folders and, where the command takes one, a sweep's file with overrides.
func (o *runsOptions) inputs(cmd *cobra.Command, args []string, withConfig bool) (inputs, error) {
	in := inputs{folders: slices.Clone(o.runs)}
	var path string
	var overrides []string
	for _, a := range args {
		info, err := os.Stat(a)
		_, _, isSetting := strings.Cut(a, "=")
		isConfig := filepath.Ext(a) == ".yaml" || filepath.Ext(a) == ".yml"
		switch {
		case err == nil && info.IsDir():
			in.folders = append(in.folders, a)
		case isSetting && err != nil:
			overrides = append(overrides, a)
		case isConfig && withConfig && path == "":
			path = a
		case isConfig && withConfig:
			return in, fail.Usage("two configs, %s and %s\ngive one", path, a)
		case err == nil:
			return in, fail.Usage("%s is not a folder of runs\nsee longtail %s --help", a, cmd.Name())
		default:
			in.folders = append(in.folders, a) // missing: the command decides
		}
	}
	if len(overrides) > 0 && path == "" {
		return in, fail.Usage("%s: settings belong to a sweep's file, and none is given\nto read runs from a folder: longtail %s --runs FOLDER", overrides[0], cmd.Name())
	}
	if path != "" {
		var err error
		if in.config, err = tables.LoadExperiment(path, overrides); err != nil {
			return in, err
		}
	}
	if len(in.folders) == 0 {
		in.folders = []string{grid.DefaultOut}
		if in.config != nil {
			in.folders[0] = in.config.Out
		}
	}
	return in, o.checkOut(cmd)
}

// home is where a command writes that was not told where: the folder that it reads, or the default one where it reads several.
func (in inputs) home() string {
	if len(in.folders) == 1 {
		return in.folders[0]
	}
	return grid.DefaultOut
}

// load loads at least one run; none is a usage error that says what to do.
func (o *runsOptions) load(cmd *cobra.Command, in inputs) (eval.Set, error) {
	set, err := eval.Load(in.folders...)
	if err != nil {
		return set, err
	}
	o.reportProblems(cmd, set)
	if n := len(set.Problems); n > 0 && len(set.Runs) == 0 {
		p := set.Problems[0]
		more := ""
		if n > 1 {
			more = fmt.Sprintf(", and %d more problems", n-1)
		}
		return set, fail.Data("no run can be read: %s: %w%s", p.Path, p.Err, more)
	}
	if len(set.Runs) == 0 {
		return set, fail.Usage("no finished run in %s\nstart one with: longtail train out=%s/first", strings.Join(in.folders, ", "), in.folders[0])
	}
	return set, nil
}

// loadExisting loads the runs of those folders that exist, and reports what it leaves out.
func (o *runsOptions) loadExisting(cmd *cobra.Command, folders []string) (eval.Set, error) {
	var there []string
	for _, f := range folders {
		if _, err := os.Stat(f); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(o.messages(cmd), "no folder %s: no runs from there\n", f)
			continue
		}
		there = append(there, f)
	}
	set, err := eval.Load(there...)
	if err != nil {
		return set, err
	}
	o.reportProblems(cmd, set)
	return set, nil
}

// unsealed is the remark on runs that have no seal, with how many of how many.
const unsealed = "%d of %d runs ended before runs were sealed: changes to their files go unnoticed\n"

// reportProblems prints what was left out: damage whatever the user wants to hear, the rest and what was not checked as remarks.
func (o *runsOptions) reportProblems(cmd *cobra.Command, set eval.Set) {
	for _, p := range set.Problems {
		w := o.messages(cmd)
		if p.Damage {
			w = cmd.ErrOrStderr()
		}
		fmt.Fprintln(w, printable(fmt.Sprintf("left out %s: %v", p.Path, p.Err)))
	}
	for _, remark := range set.Remarks {
		fmt.Fprintln(o.messages(cmd), printable(remark))
	}
	if n := set.Unsealed(); n > 0 {
		fmt.Fprintf(o.messages(cmd), unsealed, n, len(set.Runs))
	}
}
