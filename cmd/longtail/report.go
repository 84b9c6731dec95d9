package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"longtail/eval/report"

	"github.com/spf13/cobra"
)

// reportOptions are the flags of the report command.
type reportOptions struct {
	runsOptions
	title    string
	mistakes bool
}

func newReportCommand(o *options) *cobra.Command {
	r := &reportOptions{runsOptions: runsOptions{options: o}}
	cmd := &cobra.Command{
		Use:   "report [RUN|FOLDER ...]",
		Short: "One self-contained HTML page about runs",
		Long: `Writes one HTML page with tables, plots, configs and environments of finished runs. It holds everything it shows and asks
the network for nothing.

Runs are read from the folders given, as arguments or by --runs, else from "runs". --out names the page; without it the page
is report.html in the run's folder, or in the folder of runs.

--mistakes looks at the test images with the checkpoint of --score again, which takes as long as eval does, and shows for each class
up to 12 that are taken for another one: the most certain mistakes, with the class, its probability and the file. Runs whose data set or
checkpoint is not there say so on the page. Thumbnails take 6 MB of the page at most.`,
		Example: `  longtail report runs
  longtail report runs/a runs/b --out a-and-b.html
  longtail report runs/photos --mistakes`,
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd, args) },
	}
	r.add(cmd, "file to write the page to (default: report.html in the folder of runs)", "file")
	cmd.Flags().BoolVar(&r.mistakes, "mistakes", false, "show the test images that each run's network is wrong about; their data sets must be there")
	cmd.Flags().StringVar(&r.title, "title", "", "heading of the page")
	return cmd
}

// written is the page as JSON.
type written struct {
	File  string `json:"file"`
	Runs  int    `json:"runs"`
	Bytes int64  `json:"bytes"`
}

func (r *reportOptions) run(cmd *cobra.Command, args []string) error {
	which, metric, err := r.quoted()
	if err != nil {
		return err
	}
	in, err := r.inputs(cmd, args, false)
	if err != nil {
		return err
	}
	set, err := r.load(cmd, in)
	if err != nil {
		return err
	}
	if r.out == "" {
		r.out = filepath.Join(in.home(), "report.html")
	}
	if r.title == "" {
		r.title = "Long-tailed training: " + filepath.Base(in.home())
	}
	if r.dryRun {
		fmt.Fprintf(cmd.OutOrStdout(), "would write %s about %d runs\n", r.out, len(set.Runs))
		return set.Damage()
	}
	o := report.Options{Title: r.title, Which: which, Metric: metric}
	if r.mistakes {
		if o.Mistakes, err = r.findMistakes(cmd, set.Runs, which); err != nil {
			return err
		}
	}
	if err := report.WriteFile(r.out, set, o); err != nil {
		return err
	}
	info, err := os.Stat(r.out)
	if err != nil {
		return fmt.Errorf("looking at the report: %w", err)
	}
	if r.json {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(written{r.out, len(set.Runs), info.Size()})
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%d runs, %d kB)\n", r.out, len(set.Runs), info.Size()/1000)
	}
	return errors.Join(err, set.Damage())
}
