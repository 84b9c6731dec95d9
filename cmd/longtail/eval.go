package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"longtail/eval"
	"longtail/eval/plots"
	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/run"
	"longtail/train"

	"github.com/spf13/cobra"
)

// evalOptions are the flags of the eval command.
type evalOptions struct {
	*options
	device, precision string
	out               string // folder of the picture; empty: the run's
}

func newEvalCommand(o *options) *cobra.Command {
	e := &evalOptions{options: o}
	cmd := &cobra.Command{
		Use:   "eval RUN",
		Short: "Evaluate a run's checkpoints: error, each class, many, medium and few, confusion matrix",
		Long: `Runs the checkpoints of a run over its test set again: error and accuracy of the last and of the best one, of each class, of
classes with many (more than 100), medium and few (fewer than 20) training images, balanced accuracy, geometric mean of recalls,
macro F1 and expected calibration error, and the confusion matrix of the last one as numbers and, in the run's folder, as a picture.

Exit codes: 0 done, 1 failed, 2 no run's folder, 3 no such device, 4 data or a checkpoint missing or damaged, 130 interrupted.`,
		Example: "  longtail eval runs/cifar10-if100-softmax-s0",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return e.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&e.device, "device", "", "auto, cpu or cuda (default: that of the run's config)")
	f.StringVar(&e.out, "out", "", "folder for the picture of the confusion matrix (default: the run's folder)")
	f.StringVar(&e.precision, "precision", "", "auto, fp32 or mixed (default: that of the run)")
	return cmd
}

func (o *evalOptions) run(cmd *cobra.Command, dir string) error {
	messages := o.messages(cmd)
	job := train.EvalJob{Dir: dir, DataDir: o.dataDir, Device: o.device, Precision: o.precision, Open: o.opener(messages)}
	if o.dryRun {
		return o.preview(cmd, job)
	}
	var bar *trainBar
	if isTerminal(messages) {
		bar = &trainBar{w: messages}
		defer bar.end()
	}
	job.Observe = func(e train.Event) error {
		if t, ok := e.(train.Testing); ok && bar != nil {
			bar.testing(t)
		}
		return nil
	}
	e, err := train.Evaluate(cmd.Context(), job)
	if cmd.Context().Err() != nil {
		return fail.Interrupted("interrupted: the run is as it was")
	}
	if err != nil {
		return err
	}
	if !e.Sealed {
		fmt.Fprintf(messages, unsealed, 1, 1)
	}
	report := newEvalReport(dir, e)
	if o.json {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
	} else {
		err = report.print(cmd.OutOrStdout())
	}
	last, ok := e.Results["last"]
	if err != nil || !ok {
		return err
	}
	paths, err := plots.Confusion("confusion", "Confusion on the test set, last checkpoint", e.ClassNames, e.Counts, last.Confusion).Write(cmp.Or(o.out, dir))
	if err != nil {
		return fmt.Errorf("drawing the confusion matrix: %w", err)
	}
	for _, path := range paths {
		fmt.Fprintln(messages, "picture:", path)
	}
	return nil
}

// preview prints what would be evaluated.
func (o *evalOptions) preview(cmd *cobra.Command, job train.EvalJob) error {
	p, err := job.Preview()
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(p)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "would evaluate the checkpoints %s of %s on the test set of %s, device %s\n", strings.Join(p.Checkpoints, ", "), p.Run, p.Dataset, p.Device)
	return err
}

// evalReport is what eval prints.
type evalReport struct {
	Run        string       `json:"run"`
	Dataset    string       `json:"dataset"`
	Imbalance  float64      `json:"imbalance"`
	ClassNames []string     `json:"class_names"` // [C]
	Counts     []int        `json:"counts"`      // [C] training images a class
	TestCounts []int        `json:"test_counts"` // [C]
	Results    []evalResult `json:"results"`     // last, best, best by validation: those that are there
}

// evalResult is one checkpoint.
type evalResult struct {
	Checkpoint string      `json:"checkpoint"` // last, best or best_validation
	Shots      []eval.Part `json:"shots"`      // many, medium, few
	Thirds     []eval.Part `json:"thirds"`     // head, middle, tail
	Balanced   float64     `json:"balanced_accuracy"`
	GMean      float64     `json:"geometric_mean"` // of the recalls
	MacroF1    float64     `json:"macro_f1"`
	run.Result
}

func newEvalResult(checkpoint string, counts []int, r run.Result) evalResult {
	return evalResult{
		checkpoint, eval.Shots(counts, r.PerClass), eval.Thirds(counts, r.PerClass),
		metrics.BalancedAccuracy(r.Confusion), metrics.GeometricMean(r.Confusion), metrics.MacroF1(r.Confusion), r,
	}
}

func newEvalReport(dir string, e *train.Evaluation) evalReport {
	r := evalReport{dir, e.Config.Data.Dataset, e.Config.Data.Imbalance, e.ClassNames, e.Counts, e.TestCounts, nil}
	for _, name := range train.Checkpoints() {
		if result, ok := e.Results[name]; ok {
			r.Results = append(r.Results, newEvalResult(name, e.Counts, result))
		}
	}
	return r
}

// titles are the checkpoints in words.
var titles = map[string]string{"last": "last", "best": "best on the test set", "best_validation": "best on the held-out images"}

func (r evalReport) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "checkpoint\tepoch\terror\taccuracy\tloss\t")
	for _, p := range append(r.Results[0].Shots, r.Results[0].Thirds...) {
		fmt.Fprintf(w, "%s (%d)\t", p.Name, p.Classes)
	}
	fmt.Fprintln(w)
	for _, x := range r.Results {
		fmt.Fprintf(w, "%s\t%.4g\t%.2f %%\t%.2f %%\t%.4f\t", titles[x.Checkpoint], x.Epoch, 100*x.Error, 100*x.Accuracy, x.Loss)
		for _, p := range append(x.Shots, x.Thirds...) {
			if p.Classes == 0 {
				fmt.Fprint(w, "-\t")
				continue
			}
			fmt.Fprintf(w, "%.2f %%\t", 100*(1-p.Accuracy))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := r.printMetrics(out); err != nil {
		return err
	}
	fmt.Fprint(out, "\nerrors of parts are means over their classes (in brackets how many):\nmany, medium and few have more than 100, 20 to 100 and fewer than 20 training images\n"+
		"geometric mean: of the recalls of the classes; ECE: expected calibration error of the top probability, 15 bins\n\n")
	if err := r.printClasses(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nconfusion matrix, %s checkpoint\n", titles[r.Results[0].Checkpoint])
	return eval.WriteConfusion(out, r.ClassNames, r.Results[0].Confusion)
}

// printMetrics prints the numbers besides the error.
func (r evalReport) printMetrics(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "checkpoint\tbalanced accuracy\tgeometric mean\tmacro F1\tECE\t")
	for _, x := range r.Results {
		fmt.Fprintf(w, "%s\t%.2f %%\t%.2f %%\t%.2f %%\t%.2f %%\t\n", titles[x.Checkpoint], 100*x.Balanced, 100*x.GMean, 100*x.MacroF1, 100**x.ECE)
	}
	return w.Flush()
}

// printClasses prints the accuracy of each class.
func (r evalReport) printClasses(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "class\tname\ttraining images\t")
	for _, x := range r.Results {
		fmt.Fprintf(w, "accuracy, %s\t", titles[x.Checkpoint])
	}
	fmt.Fprintln(w)
	for c, name := range r.ClassNames {
		fmt.Fprintf(w, "%d\t%s\t%d\t", c, name, r.Counts[c])
		for _, x := range r.Results {
			fmt.Fprintf(w, "%.2f %%\t", 100*x.PerClass[c])
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
