package main

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"longtail/eval"
	"longtail/eval/paper"
	"longtail/eval/plots"
	"longtail/eval/tables"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
)

// tableOptions are the flags of the table command.
type tableOptions struct {
	runsOptions
	paper string
	form  string
}

func newTableCommand(o *options) *cobra.Command {
	t := &tableOptions{runsOptions: runsOptions{options: o}}
	cmd := &cobra.Command{
		Use:   "table [CONFIG [key=value ...]] [RUN|FOLDER ...]",
		Short: "The paper's table: its numbers, ours, the difference",
		Long: `Puts finished runs into a table of the paper: the published error rates, ours (mean, deviation and number of seeds) and
the difference. The best class-balanced model is chosen as the paper did, on the test set, and again on held-out training
images (runs with data.validation above 0), which is what an honest user needs. A cell without a run is a gap, and the
command that fills it is shown. Without any run it is the paper's table.

Which table: --paper; or a sweep's key "table: table2" or "figure: 8"; or its file's name (table2.yaml, figure8.yaml,
figure9.yaml, figure10.yaml); or what its grid spans; else Table 2. Runs that were trained differently come in tables of
their own, each saying how it departs from the paper's protocol.

Runs are read from the folders given, as arguments or by --runs, else from the sweep's "out", else from "runs". --out names
a folder to draw the figures into.`,
		Example: `  longtail table
  longtail table configs/paper/table2.yaml --format md
  longtail table --runs runs --score best_by_validation --out figures`,
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd, args) },
	}
	t.add(cmd, "also draw the paper's figures, with our numbers, as PNG and SVG into this folder", "plots")
	f := cmd.Flags()
	f.StringVar(&t.paper, "paper", "", "table or figure of the paper: "+strings.Join(append(paper.Names(), paper.Galleries()...), ", "))
	f.StringVar(&t.form, "format", "text", "text, md, csv, latex or json (--json is the last)")
	return cmd
}

func (t *tableOptions) run(cmd *cobra.Command, args []string) error {
	format, err := t.format(t.form)
	if err != nil {
		return err
	}
	which, metric, err := t.quoted()
	if err != nil {
		return err
	}
	in, err := t.inputs(cmd, args, true)
	if err != nil {
		return err
	}
	compare, err := t.choose(in, in.gaps(which, metric))
	if err != nil {
		return err
	}
	set, err := t.loadExisting(cmd, in.folders)
	if err != nil {
		return err
	}
	all := compare(set.Runs)
	if err := tables.PrintComparisons(cmd.OutOrStdout(), all, format, width(cmd.OutOrStdout())); err != nil {
		return err
	}
	if t.out == "" {
		return set.Damage()
	}
	figures, err := plots.ForPaper(set.Runs, which)
	if err != nil {
		return err
	}
	return errors.Join(t.writeFigures(cmd, figures, t.out), set.Damage())
}

// choose is the table that was asked for, as a function of runs: that of --paper, else the config's, else Table 2. A gallery has rows that only a
// config can fill.
func (t *tableOptions) choose(in inputs, o tables.Options) (func([]*eval.Run) []tables.Comparison, error) {
	var methods *tables.Methods
	if in.config != nil {
		methods = in.config.Methods
	}
	if slices.Contains(paper.Galleries(), t.paper) && (methods == nil || methods.Published == nil || methods.Published.Name != t.paper) {
		g, err := paper.LookupGallery(t.paper)
		return func([]*eval.Run) []tables.Comparison { return []tables.Comparison{tables.PublishedOnly(g)} }, err
	}
	if methods != nil && (t.paper == "" || methods.Published != nil && methods.Published.Name == t.paper) {
		return func(runs []*eval.Run) []tables.Comparison { return []tables.Comparison{methods.Compare(runs, o)} }, nil
	}
	if in.config != nil && t.paper == "" {
		return func(runs []*eval.Run) []tables.Comparison { return tables.CompareAll(in.config.Grid, runs, o) }, nil
	}
	g, err := paper.Lookup(cmp.Or(t.paper, paper.Names()[0]))
	if err != nil {
		return nil, fail.Usage("--paper: %w\nchoose one of these", err)
	}
	return func(runs []*eval.Run) []tables.Comparison { return tables.CompareAll(g, runs, o) }, nil
}

// gaps tell how gaps are filled: by the config's sweep where there is one, else by a single run.
func (in inputs) gaps(which eval.Which, metric eval.Metric) tables.Options {
	o := tables.Options{Which: which, Metric: metric}
	out := in.folders[0]
	if in.config == nil {
		o.Command = func(c paper.Column, m paper.Model) string { return tables.TrainCommand(c, m, out) }
		return o
	}
	words := []string{"longtail", "sweep", in.config.Path}
	if filepath.Clean(out) != filepath.Clean(in.config.Out) {
		words = append(words, "out="+out)
	}
	o.Sweep = fail.CommandLine(words)
	o.Command = func(paper.Column, paper.Model) string { return o.Sweep }
	return o
}
