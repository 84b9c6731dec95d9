package main

import (
	"errors"
	"path/filepath"

	"longtail/eval"
	"longtail/eval/plots"
	"longtail/eval/tables"

	"github.com/spf13/cobra"
)

// compareOptions are the flags of the compare command.
type compareOptions struct {
	runsOptions
	form string
}

func newCompareCommand(o *options) *cobra.Command {
	c := &compareOptions{runsOptions: runsOptions{options: o}}
	cmd := &cobra.Command{
		Use:   "compare [RUN|FOLDER ...]",
		Short: "Imbalance factors, losses, seeds side by side: a table and plots",
		Long: `Groups finished runs by what differs in their configs (seeds are repetitions) and prints errors and accuracies of each
group; draws error by factor and beta, accuracy of each class, training curves and confusion matrices as PNG and SVG.

Runs are read from the folders given, as arguments or by --runs, else from "runs". --out names the folder of the pictures.

last is the test error at the last step, which the paper quotes; best is that of the epoch that was best on the test set,
optimistic; held-out is that of the epoch that was best on held-out training images (data.validation), which is honest.`,
		Example: `  longtail compare runs
  longtail compare runs/a runs/b --out figures --format md`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	c.add(cmd, "folder for the pictures (default: compare/ in the folder of runs; none: no pictures)", "plots")
	cmd.Flags().StringVar(&c.form, "format", "text", "text, md, csv, latex or json (--json is the last)")
	return cmd
}

// noPictures is the value of --out that draws nothing.
const noPictures = "none"

func (c *compareOptions) run(cmd *cobra.Command, args []string) error {
	format, err := c.format(c.form)
	if err != nil {
		return err
	}
	which, metric, err := c.quoted()
	if err != nil {
		return err
	}
	in, err := c.inputs(cmd, args, false)
	if err != nil {
		return err
	}
	set, err := c.load(cmd, in)
	if err != nil {
		return err
	}
	if err := tables.PrintGroups(cmd.OutOrStdout(), eval.GroupRuns(set.Runs), metric, format, width(cmd.OutOrStdout())); err != nil {
		return err
	}
	switch c.out {
	case noPictures:
		return set.Damage()
	case "":
		c.out = filepath.Join(in.home(), "compare")
	}
	return errors.Join(c.writeFigures(cmd, plots.ForRuns(set.Runs, which), c.out), set.Damage())
}
