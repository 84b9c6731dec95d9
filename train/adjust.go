package train

import (
	"context"
	"fmt"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/posthoc"
	"longtail/internal/run"
	"longtail/models"
)

// Adjusted is a test result with the network's outputs changed after training.
type Adjusted struct {
	Asked posthoc.Adjustment // as it was asked for: where tau is auto, the result has what was chosen
	run.AdjustedResult
}

// adjuster changes the outputs of a network, checkpoint by checkpoint.
type adjuster struct {
	asked             []posthoc.Adjustment
	counts            []int
	test              *Evaluator
	training, heldOut *Evaluator // nil where no method looks at them
}

// checkAdjustments finds methods that the data or the network lack something for, before anything is computed.
func (w *openJob) checkAdjustments(asked []posthoc.Adjustment) error {
	for _, a := range asked {
		if a.Auto && w.data.Validation.Len() == 0 {
			return fail.Usage("%s chooses tau on held-out images, and the run has none: never on the test set\ngive a number, or train with data.validation=0.1", a)
		}
		if a.Method != posthoc.Normalise {
			continue
		}
		if _, err := classifier(w.programs.Initial); err != nil {
			return fail.Usage("%s: %w\nuse another method", a, err)
		}
	}
	return nil
}

// adjuster opens what the methods look at, on the parameters of the job's first session. Without methods it is nil.
func (w *openJob) adjuster(d *device.Device, asked []posthoc.Adjustment) (*adjuster, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	a := &adjuster{asked: asked, counts: w.data.Counts, test: w.Test}
	for _, method := range asked {
		var err error
		if method.Method == posthoc.NCM && a.training == nil {
			if a.training, err = w.evaluator(d, w.data.Train); err != nil {
				return nil, err
			}
		}
		if method.Auto && a.heldOut == nil {
			if a.heldOut, err = w.evaluator(d, w.data.Validation); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range []*Evaluator{a.test, a.training, a.heldOut} {
		if e != nil {
			e.keep = true
		}
	}
	return a, nil
}

// results are those of every method on the parameters that the sessions hold, given as a state too, with class
// weights [C]; plain is the result without one.
func (a *adjuster) results(ctx context.Context, weights []float32, state device.State, tested *pass, plain run.Result, observe Observer) ([]Adjusted, error) {
	n := posthoc.Network{Counts: a.counts}
	n.Classifier, _ = classifier(state) // checkAdjustments knows whether a method wants it
	var err error
	if n.Training, err = a.outputs(ctx, weights, a.training, "training", observe); err != nil {
		return nil, err
	}
	if n.HeldOut, err = a.outputs(ctx, weights, a.heldOut, "held-out", observe); err != nil {
		return nil, err
	}
	var all []Adjusted
	for _, asked := range a.asked {
		method, r := asked, Adjusted{Asked: asked}
		if asked.Auto {
			chosen, accuracy := n.Choose(asked)
			method, r.HeldOut = chosen, &accuracy
		}
		if method.Method != posthoc.NCM {
			r.Tau = &method.Tau
		}
		r.Result = adjustedResult(method, n.Scores(method, &tested.outputs), tested.outputs.Labels, plain)
		all = append(all, r)
	}
	return all, nil
}

// outputs are those of a set of images; nil where no method looks at it.
func (a *adjuster) outputs(ctx context.Context, weights []float32, e *Evaluator, set string, observe Observer) (*posthoc.Outputs, error) {
	if e == nil {
		return nil, nil
	}
	p, err := e.run(ctx, weights, set, observe)
	if err != nil {
		return nil, err
	}
	return &p.outputs, nil
}

// adjustedResult is the result of scores [N, C] in place of the logits of a plain result.
func adjustedResult(method posthoc.Adjustment, scores [][]float64, labels []int32, plain run.Result) run.Result {
	counts := posthoc.Confusion(scores, labels)
	if method.Method == posthoc.NCM {
		return run.NewResult(plain.Epoch, plain.Step, counts, len(plain.PerClass), 0)
	}
	r := run.NewResult(plain.Epoch, plain.Step, counts, len(plain.PerClass), posthoc.CrossEntropy(scores, labels))
	r.ECE = calibrationError(scores, labels)
	return r
}

// classifier gives the rows [C][F] of the dense layer behind the features.
func classifier(state device.State) ([][]float64, error) {
	if state[models.ClassScale] != nil {
		return nil, fmt.Errorf("the network scales its classes by learned numbers already (model.class_scale)")
	}
	w, b := state[models.ClassifierWeight], state[models.ClassifierBias]
	if w == nil || b == nil || w.Dims() != 2 {
		return nil, fmt.Errorf("the network has no dense layer with a bias (%s, %s) behind its features", models.ClassifierWeight, models.ClassifierBias)
	}
	return toRows(w.Data().([]float32), w.Shape()[0]), nil
}

// adjust gives the results of a finished run with the method of its config: of each checkpoint in its folder.
func (k *recorder) adjust(ctx context.Context, w *openJob, d *device.Device, observe Observer) (*run.Adjusted, error) {
	asked := w.Config.Eval.Adjustments()
	a, err := w.adjuster(d, asked)
	if a == nil || err != nil {
		return nil, err
	}
	all := &run.Adjusted{Method: string(asked[0].Method), Auto: asked[0].Auto}
	for _, name := range Checkpoints() {
		path := k.folder.Path(checkpoints[name])
		if name == "best_validation" && !run.Exists(path) {
			continue // nothing was held out
		}
		c, err := ReadCheckpoint(path, k.id, w.steps, w.Classes)
		if err != nil {
			return nil, err
		}
		_, adjusted, err := w.evaluate(ctx, c, path, a, "test", observe)
		if ctx.Err() != nil {
			return nil, fail.Interrupted("interrupted after the last step, before the outputs were adjusted; the state is saved")
		}
		if err != nil {
			return nil, err
		}
		switch r := adjusted[0].AdjustedResult; name {
		case "last":
			all.Last = r
		case "best":
			all.Best = r
		default:
			all.BestByValidation = &r
		}
	}
	return all, nil
}
