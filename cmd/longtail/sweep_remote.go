package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"longtail/data"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
	"longtail/train/sweep"

	"github.com/spf13/cobra"
)

// remote is what launchers need that hand the runs to a scheduler.
func (s *sweepOptions) remote(cmd *cobra.Command, g *grid.Grid) (sweep.Remote, error) {
	program, err := os.Executable()
	if err != nil {
		return sweep.Remote{}, fmt.Errorf("finding the program that other machines are to run: %w", err)
	}
	command := []string{program, "sweep"}
	if s.keep != keepAll {
		command = append(command, "--keep="+s.keep)
	}
	if dir := s.dataDir; dir != "" || os.Getenv(data.FolderVariable) != "" {
		if dir == "" {
			dir = os.Getenv(data.FolderVariable)
		}
		command = append(command, "--data-dir="+dir)
	}
	return sweep.Remote{
		Grid: g, Program: command, DryRun: s.dryRun, Wait: s.wait,
		Submitted: func(sub sweep.Submission) { s.submitted(cmd, sub, g) },
	}, nil
}

// submission is a line of --json.
type submission struct {
	Event    string   `json:"event"` // submitted
	Job      string   `json:"job,omitempty"`
	Script   string   `json:"script,omitempty"`
	Elements int      `json:"elements"`
	Runs     int      `json:"runs"`
	Queued   int      `json:"queued"`
	Jobs     []string `json:"jobs,omitempty"`
}

// submitted prints what was submitted, and how to watch, cancel and resume it.
func (s *sweepOptions) submitted(cmd *cobra.Command, sub sweep.Submission, g *grid.Grid) {
	out, messages := cmd.OutOrStdout(), s.messages(cmd)
	if s.json {
		json.NewEncoder(out).Encode(submission{"submitted", sub.Job, sub.Path, sub.Elements, sub.Runs, sub.Queued, sub.Jobs}) // the command's result has errors of stdout
		return
	}
	if sub.Queued > 0 {
		fmt.Fprintf(messages, "%d runs are with Slurm already (%s)\n", sub.Queued, strings.Join(sub.Jobs, ","))
	}
	if sub.Waiting > 0 {
		fmt.Fprintf(messages, "%d runs start from one that is not done yet: the same command submits them once it is\n", sub.Waiting)
	}
	if sub.Elsewhere > 0 {
		fmt.Fprintf(messages, "%d runs are left to processes that are training them\n", sub.Elsewhere)
	}
	switch {
	case s.dryRun && sub.Path == "":
		fmt.Fprintln(messages, "nothing would be submitted")
	case s.dryRun:
		fmt.Fprint(out, sub.Script)
		fmt.Fprintf(messages, "nothing was written or submitted; without --dry-run the script is %s\n", sub.Path)
		return
	case sub.Path == "":
		fmt.Fprintln(out, "nothing to submit")
	default:
		fmt.Fprintf(out, "submitted job %s: %d runs in %d elements\n", sub.Job, sub.Runs, sub.Elements)
		fmt.Fprintf(messages, "script: %s\nlogs:   %s\n", sub.Path, filepath.Join(filepath.Dir(sub.Path), sub.Job+"_*.log"))
	}
	if len(sub.Jobs) > 0 {
		fmt.Fprintf(messages, "watch:  %s\n        squeue --array --jobs %s\ncancel: scancel %s\nresume: %s\n",
			fail.CommandLine([]string{"longtail", "status", fail.Path(g.Out), "--watch"}), strings.Join(sub.Jobs, ","), strings.Join(sub.Jobs, " "), fail.CommandLine(os.Args))
	}
}
