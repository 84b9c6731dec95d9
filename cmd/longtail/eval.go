package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"longtail/eval"
	"longtail/eval/plots"
	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/posthoc"
	"longtail/internal/run"
	"longtail/train"

	"github.com/spf13/cobra"
)

// evalOptions are the flags of the eval command.
type evalOptions struct {
	*options
	device, precision string
	out               string // folder of the picture; empty: the run's
	adjust, tauNorm   string // a tau; empty: not asked for
	ncm               bool
}

func newEvalCommand(o *options) *cobra.Command {
	e := &evalOptions{options: o}
	cmd := &cobra.Command{
		Use:   "eval RUN",
		Short: "Evaluate a run's checkpoints: error, each class, many, medium and few, confusion matrix",
		Long: `Runs the checkpoints of a run over its test set again: error and accuracy of the last and of the best one, of each class, of
classes with many (more than 100), medium and few (fewer than 20) training images, balanced accuracy, geometric mean of recalls,
macro F1 and expected calibration error, and the confusion matrix of the last one as numbers and, in the run's folder, as a picture.

--adjust, --tau-norm and --ncm change what the network says after training, and print the results before and after; without them, what
the run's config asks for in its section eval. A tau is a number, or auto: of 0, 0.1 to 2, the one with the best balanced accuracy on
the held-out images (data.validation), never on the test set. Held-out images are as long-tailed as the training images, so that the
choice is honest but noisy. The run stays as it is.

Exit codes: 0 done, 1 failed, 2 no run's folder, 3 no such device, 4 data or a checkpoint missing or damaged, 130 interrupted.`,
		Example: `  longtail eval runs/cifar10-if100-softmax-s0
  longtail eval runs/cifar10-if100-softmax-s0 --adjust 1 --tau-norm auto --ncm`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return e.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&e.device, "device", "", "auto, cpu or cuda (default: that of the run's config)")
	f.StringVar(&e.out, "out", "", "folder for the picture of the confusion matrix (default: the run's folder)")
	f.StringVar(&e.adjust, "adjust", "", "tau of logit adjustment, z - tau log(n / N) (Menon et al. 2021): a number or auto")
	f.StringVar(&e.tauNorm, "tau-norm", "", "tau of the classifier's rows v / |v|^tau, without bias (Kang et al. 2020): a number or auto")
	f.BoolVar(&e.ncm, "ncm", false, "nearest mean of the classes' training features, centred and of length 1 (Kang et al. 2020)")
	f.StringVar(&e.precision, "precision", "", "auto, fp32 or mixed (default: that of the run)")
	return cmd
}

func (o *evalOptions) run(cmd *cobra.Command, dir string) error {
	messages := o.messages(cmd)
	adjustments, err := o.adjustments()
	if err != nil {
		return err
	}
	job := train.EvalJob{Dir: dir, DataDir: o.dataDir, Device: o.device, Precision: o.precision, Open: o.opener(messages), Adjustments: adjustments}
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
	for _, name := range e.Removed {
		fmt.Fprintf(messages, "%s was removed by --keep last: its result is in %s and cannot be computed again\n", name, run.SummaryFile)
	}
	report := newEvalReport(dir, e)
	if o.json {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
	} else {
		err = report.print(cmd.OutOrStdout())
	}
	last, ok := e.Results["last"]
	if err != nil || !ok || len(last.Confusion) == 0 { // of too many classes for a picture
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

// adjustments are those that the flags ask for.
func (o *evalOptions) adjustments() ([]posthoc.Adjustment, error) {
	var all []posthoc.Adjustment
	for _, f := range []struct {
		flag, text string
		method     posthoc.Method
	}{{"--adjust", o.adjust, posthoc.Adjust}, {"--tau-norm", o.tauNorm, posthoc.Normalise}} {
		if f.text == "" {
			continue
		}
		tau, auto, err := posthoc.ParseTau(f.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.flag, err)
		}
		all = append(all, posthoc.Adjustment{Method: f.method, Tau: tau, Auto: auto})
	}
	if o.ncm {
		all = append(all, posthoc.Adjustment{Method: posthoc.NCM})
	}
	return all, nil
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
	Adjusted []evalAdjusted `json:"adjusted,omitempty"` // the same checkpoint, after each method that was asked for
}

// evalAdjusted is a checkpoint after a method.
type evalAdjusted struct {
	Method  posthoc.Method `json:"method"`
	Auto    bool           `json:"auto"`               // tau was chosen on held-out images
	Tau     *float64       `json:"tau,omitempty"`      // nil of a method without
	HeldOut *float64       `json:"held_out,omitempty"` // balanced accuracy there; nil where nothing was chosen
	evalResult
}

func newEvalResult(checkpoint string, counts []int, r run.Result) evalResult {
	return evalResult{
		Checkpoint: checkpoint, Shots: eval.Shots(counts, r.PerClass), Thirds: eval.Thirds(counts, r.PerClass),
		Balanced: metrics.BalancedAccuracy(r.Tally()), GMean: metrics.GeometricMean(r.Tally()), MacroF1: metrics.MacroF1(r.Tally()), Result: r,
	}
}

func newEvalReport(dir string, e *train.Evaluation) evalReport {
	r := evalReport{dir, e.Config.Data.Dataset, float64(e.Config.Data.Imbalance), e.ClassNames, e.Counts, e.TestCounts, nil}
	for _, name := range train.Checkpoints() {
		if result, ok := e.Results[name]; ok {
			x := newEvalResult(name, e.Counts, result)
			for _, a := range e.Adjusted[name] {
				x.Adjusted = append(x.Adjusted, evalAdjusted{a.Asked.Method, a.Asked.Auto, a.Tau, a.HeldOut, newEvalResult(name, e.Counts, a.Result)})
			}
			r.Results = append(r.Results, x)
		}
	}
	return r
}
