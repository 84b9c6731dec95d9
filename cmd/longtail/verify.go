package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"

	"github.com/spf13/cobra"
)

// verifyRunsOptions has no flags of its own.
type verifyRunsOptions struct{ *options }

func newVerifyRunsCommand(o *options) *cobra.Command {
	v := &verifyRunsOptions{o}
	return &cobra.Command{
		Use:   "verify RUN|FOLDER ...",
		Short: "Check every file of runs: seals, checksums, numbers that follow from others",
		Long: `Reads every file of runs, checkpoints too, and compares them: files with the seal in summary.json, numbers with those that they
follow from, checkpoints with the config, the split, the metrics and the result. It needs no images and writes nothing.

Each run is one line:
  ok        finished, and all fits its seal
  unsealed  finished before runs were sealed, and all numbers fit
  begun     not finished, and all fits as far as it is
  damaged   something does not fit; the first problem is named
Checkpoints that "longtail sweep --keep last" removed are named and are no damage: pruned.json has their hashes, which the seal has too.

Exit codes: 0 all fit, 2 no run there, 4 a run is damaged.`,
		Example: "  longtail verify runs\n  longtail verify runs/a runs/b --json",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return v.run(cmd, args) },
	}
}

// verifiedRun is the line of one run as JSON.
type verifiedRun struct {
	Run      string   `json:"run"`
	State    string   `json:"state"` // ok, unsealed, begun or damaged
	Step     int      `json:"step"`
	Removed  []string `json:"removed,omitempty"` // file names of checkpoints that were removed on purpose
	Problems []string `json:"problems,omitempty"`
}

func (v *verifyRunsOptions) run(cmd *cobra.Command, args []string) error {
	dirs, err := findRuns(args)
	if err != nil {
		return err
	}
	defer secondSignalKills(cmd.Context())()
	damaged, first := 0, ""
	for _, dir := range dirs {
		if cmd.Context().Err() != nil {
			return fail.Interrupted("interrupted: nothing was changed")
		}
		line := newVerifiedRun(train.Verify(dir))
		if len(line.Problems) > 0 {
			if damaged++; first == "" {
				first = line.Problems[0]
			}
		}
		if line.State == "begun" {
			fmt.Fprintf(v.messages(cmd), "%s is not finished: it has no %s; the command that started it resumes it\n", dir, run.SummaryFile)
		}
		if err := v.print(cmd.OutOrStdout(), line); err != nil {
			return err
		}
	}
	if damaged > 0 {
		return fail.Data("%d of %d runs are damaged; the first problem: %s\nrestore the file from a copy, or train the run again in another folder", damaged, len(dirs), first)
	}
	return nil
}

func newVerifiedRun(v *train.Verdict) verifiedRun {
	line := verifiedRun{Run: v.Dir, State: "begun", Step: v.Step, Removed: v.Removed}
	switch {
	case v.Sealed:
		line.State = "ok"
	case v.Finished:
		line.State = "unsealed"
	}
	for _, p := range v.Problems {
		line.State = "damaged"
		line.Problems = append(line.Problems, printable(firstLine(p))) // what to do comes once, at the end
	}
	return line
}

func (v *verifyRunsOptions) print(w io.Writer, line verifiedRun) error {
	if v.json {
		return json.NewEncoder(w).Encode(line)
	}
	what := fmt.Sprintf("step %d", line.Step)
	if len(line.Removed) > 0 {
		what += fmt.Sprintf(", %s removed by --keep last", strings.Join(line.Removed, " and "))
	}
	if n := len(line.Problems); n > 0 {
		what = line.Problems[0]
		if n > 1 {
			what += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	_, err := fmt.Fprintf(w, "%-8s  %s  %s\n", line.State, line.Run, what)
	return err
}

// findRuns are the folders of runs, finished or not, that are named or lie below a named folder.
func findRuns(args []string) ([]string, error) {
	var dirs []string
	for _, root := range args {
		found := len(dirs)
		if info, err := os.Stat(root); err != nil || !info.IsDir() {
			return nil, fail.Usage("%s is not a folder\ngive a run's folder or one that holds runs", root)
		}
		if isRun(root) { // it may be a link, which WalkDir does not follow
			dirs = append(dirs, root)
			continue
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() || !isRun(path) {
				return err
			}
			dirs = append(dirs, path)
			return filepath.SkipDir
		})
		if err != nil {
			return nil, fmt.Errorf("looking for runs in %s: %w", root, err)
		}
		if len(dirs) == found {
			return nil, fail.Usage("no run in %s\ngive a run's folder or one that holds runs", root)
		}
	}
	return dirs, nil
}

// isRun reports whether a folder has a file that only runs have.
func isRun(dir string) bool {
	return run.Exists(filepath.Join(dir, run.ConfigFile)) || run.Exists(filepath.Join(dir, run.SummaryFile))
}
