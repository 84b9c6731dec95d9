package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"longtail/eval"
	"longtail/eval/report"

	"github.com/spf13/cobra"
)

type reportOptions struct {
	*options
	file  string
	title string
	which string
	out   string
}

func newReportCommand(shared *options) *cobra.Command {
	o := reportOptions{options: shared}
	cmd := &cobra.Command{
		Use:   "report [RUN|FOLDER ...] [out=FOLDER]",
		Short: "One self-contained HTML page about runs",
		Long: `Writes one HTML page with tables, plots, configs and environments of finished runs. It holds everything it shows and asks
the network for nothing. Without --file it is report.html in the run's folder, or in the folder of runs.`,
		Example: `  longtail report runs
  longtail report runs/a runs/b --file a-and-b.html`,
		RunE: func(cmd *cobra.Command, args []string) error { return runReport(cmd, args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.file, "file", "", "where to write the page")
	f.StringVar(&o.title, "title", "", "heading of the page")
	f.StringVar(&o.which, "score", string(eval.Last), "test error beside the paper's: last, best or best_by_validation")
	f.StringVar(&o.out, "out", "", "folder of runs (default: runs)")
	return cmd
}

// written is the page as JSON.
type written struct {
	File  string `json:"file"`
	Runs  int    `json:"runs"`
	Bytes int64  `json:"bytes"`
}

func runReport(cmd *cobra.Command, args []string, o reportOptions) error {
	_, which, err := parseOutput("", false, o.which)
	if err != nil {
		return err
	}
	in, err := readInputs(args, o.out)
	if err != nil {
		return err
	}
	set, err := o.loadRuns(cmd, in)
	if err != nil {
		return err
	}
	if o.file == "" {
		o.file = filepath.Join(in.home(), "report.html")
	}
	if o.title == "" {
		o.title = "Long-tailed training: " + filepath.Base(in.home())
	}
	if o.dryRun {
		fmt.Fprintf(cmd.OutOrStdout(), "would write %s about %d runs\n", o.file, len(set.Runs))
		return nil
	}
	if err := report.WriteFile(o.file, set, report.Options{Title: o.title, Which: which}); err != nil {
		return err
	}
	info, err := os.Stat(o.file)
	if err != nil {
		return fmt.Errorf("looking at the report: %w", err)
	}
	if o.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(written{o.file, len(set.Runs), info.Size()})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s (%d runs, %d kB)\n", o.file, len(set.Runs), info.Size()/1000)
	return nil
}
