package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"longtail/eval"
	"longtail/eval/export"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
	"longtail/train"
	"longtail/train/portable"

	"github.com/spf13/cobra"
)

// exportOptions are the flags of the export command.
type exportOptions struct {
	*options
	to         string
	out        string
	experiment string
	checkpoint string // of the network
}

// exporter is one value of --to.
type exporter struct {
	name, about string
	run         func(e *exportOptions, cmd *cobra.Command, args []string) error
}

// exporters are the values of --to, in the order of the help page.
func exporters() []exporter {
	return []exporter{
		{"csv", "one table: run, epoch, step and a column for each metric", tableExporter(export.CSV)},
		{"jsonl", "the same table as JSON Lines", tableExporter(export.JSONL)},
		{"mlflow", "runs of an MLflow file store", (*exportOptions).mlflow},
		{"onnx", "the trained network of one run: images [N, 3, S, S], normalised, to logits [N, C]", modelExporter(portable.ONNX)},
		{"safetensors", "its parameters and running moments, with the names of torchvision's ResNet", modelExporter(portable.Torch)},
	}
}

func newExportCommand(o *options) *cobra.Command {
	e := &exportOptions{options: o}
	var names []string
	about := ""
	for _, x := range exporters() {
		names = append(names, x.name)
		about += fmt.Sprintf("  %-12s %s\n", x.name, x.about)
	}
	cmd := &cobra.Command{
		Use:   "export RUN|FOLDER ... --to " + strings.Join(names, "|"),
		Short: "What runs recorded and learned, for other programs",
		Long: `Writes what runs recorded, or the network that one trained, in a form that other programs read:

` + about + `
Runs are read from the folders given, else from "runs"; those that are not finished are exported as far as they are. Rates are
fractions from 0 to 1. --out names the file or folder; without it, or with "-", the tables go to stdout, and MLflow's store is
mlruns; a network goes into its run's folder. A file or a run that this command did not write is never overwritten. A run that was exported before is replaced.

TensorBoard needs no export: it reads the folders of runs.`,
		Example: `  longtail export runs --to csv --out metrics.csv
  longtail export runs/a runs/b --to mlflow --out mlruns
  longtail export runs/a --to onnx --out a.onnx`,
		RunE: func(cmd *cobra.Command, args []string) error { return e.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&e.to, "to", "", "what to write: "+strings.Join(names, ", "))
	f.StringVarP(&e.out, "out", "o", "", "file or folder to write (default: stdout; of mlflow: mlruns)")
	f.StringVar(&e.checkpoint, "checkpoint", "last", "of a network: "+strings.Join(train.Checkpoints(), ", "))
	f.StringVar(&e.experiment, "experiment", "longtail", "name of MLflow's experiment")
	return cmd
}

func (e *exportOptions) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		args = []string{grid.DefaultOut}
	}
	var names []string
	for _, x := range exporters() {
		if x.name == e.to {
			return x.run(e, cmd, args)
		}
		names = append(names, x.name)
	}
	if e.to == "" {
		return fail.Usage("export: --to is missing\nchoose %s", strings.Join(names, ", "))
	}
	return fail.Usage("export: --to %s: no such form\nchoose %s", e.to, strings.Join(names, ", "))
}

// load reads the runs, at least one, and reports what is left out.
func (e *exportOptions) load(cmd *cobra.Command, folders []string) ([]*export.Run, *eval.Set, error) {
	set, err := eval.Load(folders...)
	if err != nil {
		return nil, nil, err
	}
	runs := export.Load(&set)
	(&runsOptions{options: e.options}).reportProblems(cmd, set)
	if len(runs) == 0 {
		if err := set.Damage(); err != nil {
			return nil, nil, err
		}
		return nil, nil, fail.Usage("no run in %s\nstart one with: longtail train out=%s/first", strings.Join(folders, ", "), folders[0])
	}
	return runs, &set, nil
}

// exported is the result as JSON.
type exported struct {
	Out  string `json:"out"`
	Runs int    `json:"runs"`
}

// report prints where the runs are now.
func (e *exportOptions) report(cmd *cobra.Command, out string, runs int) error {
	switch {
	case e.dryRun:
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "would write %d runs to %s\n", runs, out)
		return err
	case e.json:
		return json.NewEncoder(cmd.OutOrStdout()).Encode(exported{out, runs})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s (%d runs)\n", out, runs)
	return err
}

// tableExporter writes a table to stdout or to a file.
func tableExporter(table export.Table) func(e *exportOptions, cmd *cobra.Command, args []string) error {
	return func(e *exportOptions, cmd *cobra.Command, args []string) error {
		runs, set, err := e.load(cmd, args)
		if err != nil {
			return err
		}
		if e.out != "" && e.out != "-" {
			if err = table.Replaceable(e.out); err == nil && !e.dryRun {
				err = table.WriteFile(e.out, runs)
			}
			if err == nil {
				err = e.report(cmd, e.out, len(runs))
			}
			return errors.Join(err, set.Damage())
		}
		if e.dryRun {
			return errors.Join(e.report(cmd, "stdout", len(runs)), set.Damage())
		}
		text, err := table.Encode(runs)
		if err == nil {
			_, err = cmd.OutOrStdout().Write(text)
		}
		return errors.Join(err, set.Damage())
	}
}

// mlflow writes an MLflow store.
func (e *exportOptions) mlflow(cmd *cobra.Command, args []string) error {
	switch {
	case e.out == "-":
		return fail.Usage("export: --to mlflow writes a folder, which cannot go to stdout\nname it with --out FOLDER")
	case e.out == "":
		e.out = "mlruns"
	}
	runs, set, err := e.load(cmd, args)
	if err != nil {
		return err
	}
	if e.dryRun {
		return errors.Join(e.report(cmd, e.out, len(runs)), set.Damage())
	}
	folder, err := export.MLflow(e.out, e.experiment, runs)
	if err != nil {
		return err
	}
	store := fail.CommandLine([]string{"mlflow", "ui", "--backend-store-uri", filepath.Dir(folder)})
	fmt.Fprintf(e.messages(cmd), "MLflow shows it: MLFLOW_ALLOW_FILE_STORE=true %s\n", store)
	return errors.Join(e.report(cmd, folder, len(runs)), set.Damage())
}
