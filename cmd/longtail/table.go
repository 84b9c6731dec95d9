package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"longtail/eval"
	"longtail/eval/paper"
	"longtail/eval/plots"
	"longtail/eval/tables"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type tableOptions struct {
	*options
	paper  string
	format string
	which  string
	plots  string
	out    string
}

func newTableCommand(shared *options) *cobra.Command {
	o := tableOptions{options: shared}
	cmd := &cobra.Command{
		Use:   "table [CONFIG] [RUN|FOLDER ...] [out=FOLDER]",
		Short: "The paper's table: its numbers, ours, the difference",
		Long: `Puts finished runs into a table of the paper: the published error rates, ours (mean, deviation and number of seeds) and
the difference. The best class-balanced model is chosen as the paper did, on the test set, and again on held-out training
images (runs with data.validation above 0), which is what an honest user needs. A cell without a run is a gap, and the
command that fills it is shown. Without any run it is the paper's table.

Which table: --paper; or a config's key "table: table2" or "figure: 8"; or a config's file name (table2.yaml, figure8.yaml,
figure9.yaml, figure10.yaml); or what a config's grid spans; else Table 2. Runs that were trained differently come in
tables of their own, each saying how it departs from the paper's protocol.

Runs are looked for in the folders given, else in the config's "out", else in "runs".`,
		Example: `  longtail table
  longtail table configs/paper/table2.yaml --format md
  longtail table runs --score best_by_validation`,
		RunE: func(cmd *cobra.Command, args []string) error { return runTable(cmd, args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.paper, "paper", "", "table or figure of the paper: "+strings.Join(paper.Names(), ", "))
	f.StringVar(&o.format, "format", "text", "text, md, csv, latex or json (--json is the last)")
	f.StringVar(&o.which, "score", string(eval.Last), "test error that is quoted: last, best or best_by_validation")
	f.StringVar(&o.plots, "plots", "", "also draw the paper's figures, with our numbers, as PNG and SVG into this folder")
	f.StringVar(&o.out, "out", "", "folder of runs (default: the config's, or runs)")
	return cmd
}

func runTable(cmd *cobra.Command, args []string, o tableOptions) error {
	format, which, err := parseOutput(o.format, o.json, o.which)
	if err != nil {
		return err
	}
	in, err := readInputs(args, o.out)
	if err != nil {
		return err
	}
	grid, err := chooseGrid(o.paper, in.config)
	if err != nil {
		return err
	}
	set, err := loadExisting(o.messages(cmd), in.folders)
	if err != nil {
		return err
	}
	all := tables.CompareAll(grid, set.Runs, gapOptions(in, which))
	if err := tables.PrintComparisons(cmd.OutOrStdout(), all, format, width(cmd.OutOrStdout())); err != nil {
		return err
	}
	if o.plots == "" {
		return nil
	}
	figures, err := plots.ForPaper(set.Runs, which)
	if err != nil {
		return err
	}
	return o.writeFigures(cmd, figures, o.plots)
}

// gapOptions say how gaps are filled: by the config's sweep where there is one, else by a single run.
func gapOptions(in inputs, which eval.Which) tables.Options {
	o := tables.Options{Which: which}
	out := in.folders[0]
	if in.config != nil {
		o.Sweep = "longtail sweep " + in.config.Path
		if filepath.Clean(out) != filepath.Clean(in.config.Out) {
			o.Sweep += " out=" + out
		}
		o.Command = func(paper.Column, paper.Model) string { return o.Sweep }
		return o
	}
	o.Command = func(c paper.Column, m paper.Model) string { return tables.TrainCommand(c, m, nil, out) }
	return o
}

func chooseGrid(name string, config *tables.Experiment) (*paper.Grid, error) {
	switch {
	case name != "":
		g, err := paper.Lookup(name)
		if err != nil {
			return nil, fail.Usage("--paper: %w\nchoose one of these", err)
		}
		return g, nil
	case config != nil:
		return config.Grid, nil
	default:
		return paper.Lookup(paper.Names()[0])
	}
}

// inputs are what a command that reads runs was given.
type inputs struct {
	config  *tables.Experiment // nil without a config file
	folders []string           // at least one
}

// defaultRuns is the folder of runs when none is named.
const defaultRuns = "runs"

// readInputs sorts arguments into a config file, folders and out=FOLDER.
func readInputs(args []string, out string) (inputs, error) {
	var in inputs
	for _, a := range args {
		info, err := os.Stat(a)
		key, value, isSetting := strings.Cut(a, "=")
		switch ext := filepath.Ext(a); {
		case err == nil && info.IsDir():
			in.folders = append(in.folders, a)
		case err != nil && isSetting && key == "out":
			out = value
		case err != nil && isSetting:
			return in, fail.Usage("%s: only out=FOLDER can be set here\nthe runs themselves say the rest", a)
		case ext == ".yaml" || ext == ".yml":
			if in.config != nil {
				return in, fail.Usage("two configs, %s and %s\ngive one", in.config.Path, a)
			}
			b, err := os.ReadFile(a)
			if err != nil {
				return in, fail.Usage("reading the config: %w\ngive a file that is there", err)
			}
			if in.config, err = tables.ParseExperiment(a, b); err != nil {
				return in, err
			}
		case err == nil:
			return in, fail.Usage("%s is neither a folder nor a .yaml config\nsee longtail table --help", a)
		default:
			in.folders = append(in.folders, a) // missing: the command decides
		}
	}
	switch {
	case out != "":
		in.folders = append(in.folders, out)
	case len(in.folders) == 0 && in.config != nil && in.config.Out != "":
		in.folders = []string{in.config.Out}
	case len(in.folders) == 0:
		in.folders = []string{defaultRuns}
	}
	return in, nil
}

// loadExisting loads the runs of those folders that are there, and says what it left out.
func loadExisting(messages io.Writer, folders []string) (eval.Set, error) {
	var there []string
	for _, f := range folders {
		if _, err := os.Stat(f); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(messages, "no folder %s: no runs from there\n", f)
			continue
		}
		there = append(there, f)
	}
	set, err := eval.Load(there...)
	if err != nil {
		return set, err
	}
	reportProblems(messages, set)
	return set, nil
}

func reportProblems(messages io.Writer, set eval.Set) {
	for _, p := range set.Problems {
		fmt.Fprintf(messages, "left out %s: %v\n", p.Path, p.Err)
	}
}

func parseOutput(format string, json bool, which string) (tables.Format, eval.Which, error) {
	f, err := tables.ParseFormat(format)
	if err != nil {
		return f, "", err
	}
	if json {
		f = tables.JSON
	}
	for _, w := range eval.Whiches() {
		if string(w) == which {
			return f, w, nil
		}
	}
	return f, "", fail.Usage("--score %s: no such result\nchoose last, best or best_by_validation", which)
}

// plainWidth is the width in characters of what goes into a file or a pipe.
const plainWidth = 120

// width is how many characters fit on a line of the terminal; COLUMNS counts first.
func width(out io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := out.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return plainWidth
}

// messages is where remarks go: nowhere where the user wants quiet.
func (o *options) messages(cmd *cobra.Command) io.Writer {
	if o.quiet {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}

// writeFigures writes pictures, or says that it would.
func (o *options) writeFigures(cmd *cobra.Command, figures []plots.Figure, dir string) error {
	if o.dryRun {
		fmt.Fprintf(o.messages(cmd), "would write %d pictures (PNG and SVG) into %s\n", len(figures), dir)
		return nil
	}
	for _, f := range figures {
		if _, err := f.Write(dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(o.messages(cmd), "%d pictures (PNG and SVG) in %s\n", len(figures), dir)
	return nil
}
