package main

import (
	"path/filepath"
	"strings"

	"longtail/eval"
	"longtail/eval/plots"
	"longtail/eval/tables"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
)

type compareOptions struct {
	*options
	format string
	which  string
	plots  string
	out    string
}

func newCompareCommand(shared *options) *cobra.Command {
	o := compareOptions{options: shared}
	cmd := &cobra.Command{
		Use:   "compare [RUN|FOLDER ...] [out=FOLDER]",
		Short: "Imbalance factors, losses, seeds side by side: a table and plots",
		Long: `Groups finished runs by what differs in their configs (seeds are repetitions) and prints errors and accuracies of each
group; draws error by factor and beta, accuracy of each class, training curves and confusion matrices as PNG and SVG.

last is the test error at the last step, which the paper quotes; best is that of the epoch that was best on the test set,
optimistic; held-out is that of the epoch that was best on held-out training images (data.validation), which is honest.`,
		Example: `  longtail compare runs
  longtail compare runs/a runs/b --plots figures --format md`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCompare(cmd, args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "text", "text, md, csv, latex or json (--json is the last)")
	f.StringVar(&o.which, "score", string(eval.Last), "test error in the plots: last, best or best_by_validation")
	f.StringVar(&o.plots, "plots", "", "folder for the plots (default: compare/ in the folder of runs; none: no plots)")
	f.StringVar(&o.out, "out", "", "folder of runs (default: runs)")
	return cmd
}

// noPlots is the value of --plots that draws nothing.
const noPlots = "none"

func runCompare(cmd *cobra.Command, args []string, o compareOptions) error {
	format, which, err := parseOutput(o.format, o.json, o.which)
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
	if err := tables.PrintGroups(cmd.OutOrStdout(), eval.GroupRuns(set.Runs), format, width(cmd.OutOrStdout())); err != nil {
		return err
	}
	if o.plots == noPlots {
		return nil
	}
	if o.plots == "" {
		o.plots = filepath.Join(in.home(), "compare")
	}
	return o.writeFigures(cmd, plots.ForRuns(set.Runs, which), o.plots)
}

// home is where a command that reads runs writes: the folder itself for one, the folder of runs for several.
func (in inputs) home() string {
	switch {
	case len(in.folders) == 1:
		return in.folders[0]
	case in.config != nil && in.config.Out != "":
		return in.config.Out
	default:
		return defaultRuns
	}
}

// loadRuns loads at least one run; none is a usage error that says what to do.
func (o *options) loadRuns(cmd *cobra.Command, in inputs) (eval.Set, error) {
	set, err := eval.Load(in.folders...)
	if err != nil {
		return set, err
	}
	reportProblems(o.messages(cmd), set)
	if len(set.Runs) == 0 {
		return set, fail.Usage("no finished run in %s\nstart one with: longtail train out=%s/first", strings.Join(in.folders, ", "), in.folders[0])
	}
	return set, nil
}
