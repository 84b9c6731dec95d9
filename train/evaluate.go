package train

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/posthoc"
	"longtail/internal/run"
)

// Evaluation is what a run's checkpoints do on the test set.
type Evaluation struct {
	Config     *config.Config
	ClassNames []string              // [C]
	Counts     []int                 // [C] training images a class
	TestCounts []int                 // [C] test images a class
	Removed    []string              // file names of checkpoints that were removed on purpose, see run.Folder.Prune
	Sealed     bool                  // false where the run ended before runs were sealed
	Results    map[string]run.Result // "last", "best" and, where images are held out, "best_validation"
	Adjusted   map[string][]Adjusted // by the same names, in the order of the job's adjustments; empty without any
}

// EvalJob says which run to evaluate, and where.
type EvalJob struct {
	Dir       string // the run's folder
	DataDir   string // as in data.Spec
	Device    string // in place of the config's; empty leaves it
	Precision string // in place of the run's; empty leaves it
	Open      OpenDevice
	Observe   Observer // is told of Testing

	Adjustments []posthoc.Adjustment // of the outputs; none takes those of the run's config
}

// checkpoints are the files that are evaluated, by the names of their results.
var checkpoints = map[string]string{"last": run.Last, "best": run.Best, "best_validation": run.BestValidation}

// Checkpoints are the names of the results of an evaluation, the last checkpoint first.
func Checkpoints() []string { return []string{"last", "best", "best_validation"} }

// EvalPreview is what an evaluation would do.
type EvalPreview struct {
	Run         string   `json:"run"`
	Dataset     string   `json:"dataset"`
	Device      string   `json:"device"`      // as in the config, or as asked
	Checkpoints []string `json:"checkpoints"` // by the names of their results
}

// Preview finds the run's checkpoints without reading images or opening a device.
func (j *EvalJob) Preview() (*EvalPreview, error) {
	c, err := j.config()
	if err != nil {
		return nil, err
	}
	p := &EvalPreview{Run: j.Dir, Dataset: c.Data.Dataset, Device: cmp.Or(j.Device, c.Device)}
	for _, name := range Checkpoints() {
		if run.Exists(filepath.Join(j.Dir, checkpoints[name])) {
			p.Checkpoints = append(p.Checkpoints, name)
		}
	}
	if len(p.Checkpoints) == 0 {
		return nil, j.noCheckpoint()
	}
	return p, nil
}

// config reads the run's config.
func (j *EvalJob) config() (*config.Config, error) {
	path := filepath.Join(j.Dir, run.ConfigFile)
	if !run.Exists(path) {
		return nil, fail.Usage("%s is not a run's folder: it has no %s\ngive the folder that longtail train named", j.Dir, run.ConfigFile)
	}
	return config.LoadRun(path)
}

func (j *EvalJob) noCheckpoint() error {
	return fail.Data("%s has no checkpoint yet\ntrain it first: %s", j.Dir, fail.CommandLine([]string{"longtail", "train", fail.Path(filepath.Join(j.Dir, run.ConfigFile))}))
}

// Evaluate runs the checkpoints of a run, finished or not, over its test set. It reads the run's folder and writes nothing. A
// folder without a run is a usage error, one without a checkpoint a data error.
func Evaluate(ctx context.Context, job EvalJob) (*Evaluation, error) {
	sealed, removed, err := job.checkSeal()
	if err != nil {
		return nil, err
	}
	config, ds, err := job.load(ctx)
	if err != nil {
		return nil, err
	}
	id, err := NewIdentity(config, ds.Split)
	if err != nil {
		return nil, err
	}
	w, adjust, err := job.open(config, ds)
	if err != nil {
		return nil, err
	}
	defer w.close()
	e := &Evaluation{Adjusted: map[string][]Adjusted{}, Sealed: sealed, Removed: removed, Config: config, ClassNames: ds.ClassNames, Counts: ds.Counts, TestCounts: countLabels(ds.Test), Results: map[string]run.Result{}}
	var last *Position
	for _, name := range Checkpoints() {
		path := filepath.Join(job.Dir, checkpoints[name])
		if !run.Exists(path) {
			continue
		}
		c, err := ReadCheckpoint(path, id, Steps(w.images(), config.Train.Batch, config.Train.Epochs), w.Classes)
		if err != nil {
			return nil, err
		}
		if last == nil {
			last = &c.Position
		}
		if err := c.isRecorded(name, last); err != nil {
			return nil, fail.Data("checkpoint %s: %w", path, err)
		}
		result, adjusted, err := w.evaluate(ctx, c, path, adjust, name, job.Observe)
		if err != nil {
			return nil, err
		}
		e.Results[name] = result
		if len(adjusted) > 0 {
			e.Adjusted[name] = adjusted
		}
	}
	if len(e.Results) == 0 {
		return nil, job.noCheckpoint()
	}
	return e, nil
}

// evaluate loads a checkpoint from a path and tests it, plainly and, where there is an adjuster, with changed outputs. set names the test
// for observers.
func (w *openJob) evaluate(ctx context.Context, c *Checkpoint, path string, a *adjuster, set string, observe Observer) (run.Result, []Adjusted, error) {
	if err := w.Test.Session.Load(c.State); err != nil {
		return run.Result{}, nil, fail.Data("checkpoint %s does not fit the run's network: %w", path, err)
	}
	weights := w.programs.Weights.at(c.Step - 1)
	tested, err := w.Test.run(ctx, weights, set, observe)
	if err != nil {
		return run.Result{}, nil, err
	}
	plain := tested.result(epochOf(w.Config, c.Step, w.images()), c.Step, w.Classes)
	if a == nil {
		return plain, nil, nil
	}
	adjusted, err := a.results(ctx, weights, c.State, tested, plain, observe)
	return plain, adjusted, err
}

// checkSeal compares a finished run with its seal, before anything is computed, and reports whether it has one, and which checkpoints were
// removed from it. A run that is not finished has nothing to compare yet.
func (j *EvalJob) checkSeal() (sealed bool, removed []string, err error) {
	if !run.Exists(filepath.Join(j.Dir, run.SummaryFile)) || !run.Exists(filepath.Join(j.Dir, run.ConfigFile)) {
		return true, nil, nil
	}
	s, err := ReadResult(j.Dir)
	if err != nil {
		return false, nil, err
	}
	removed, err = s.Removed(j.Dir)
	return s.Seal != nil, removed, err
}

// isRecorded compares the step of a checkpoint with the one that the last checkpoint recorded under that name. A best checkpoint that
// is newer than the last record was written before the last one could be: a process was killed between the two, or its disk failed. Both
// can be of the same step where a run was interrupted after the step and before its test.
func (c *Checkpoint) isRecorded(name string, last *Position) error {
	want, own := last.best(name), c.best(name)
	newer := own != nil && own.Step == c.Step && c.Step > last.Recorded && c.Step >= last.Step
	if want == nil || c.Step == want.Step || newer {
		return nil
	}
	return fmt.Errorf("it is of step %d, but the %s one was at step %d: it is another checkpoint", c.Step, strings.ReplaceAll(name, "_", " by "), want.Step)
}

// load reads the run's config and its data. A split file that the run was given is the folder's own, wherever the first one
// went.
func (j *EvalJob) load(ctx context.Context) (*config.Config, *data.Dataset, error) {
	config, err := j.config()
	if err != nil {
		return nil, nil, err
	}
	spec := config.DataSpec()
	spec.Dir = j.DataDir
	if spec.SplitFile != "" {
		spec.SplitFile, spec.Validation = filepath.Join(j.Dir, run.SplitFile), 0 // the file names the held-out images too
	}
	ds, err := data.Load(ctx, spec)
	return config, ds, err
}

// open builds the evaluation program and opens it on the test images, and what the adjustments look at.
func (j *EvalJob) open(config *config.Config, ds *data.Dataset) (w *openJob, a *adjuster, err error) {
	d, err := j.Open(cmp.Or(j.Device, config.Device), cmp.Or(j.Precision, config.Precision))
	if err != nil {
		return nil, nil, err
	}
	w = &openJob{data: ds}
	w.Config, w.Labels, w.Classes = config, ds.Train.Labels, ds.Train.Classes
	if w.programs, err = Build(config, ds); err != nil {
		return nil, nil, err
	}
	asked := j.Adjustments
	if len(asked) == 0 {
		asked = config.Eval.Adjustments()
	}
	if err := w.checkAdjustments(asked); err != nil {
		return nil, nil, err
	}
	d = d.For(w.programs.Eval)
	if w.Test, err = w.evaluator(d, ds.Test); err == nil {
		a, err = w.adjuster(d, asked)
	}
	if err != nil {
		w.close()
	}
	return w, a, err
}

// epochOf is the epoch that a checkpoint at a step belongs to, as the loop counts them.
func epochOf(c *config.Config, step, images int) float64 {
	if step == Steps(images, c.Train.Batch, c.Train.Epochs) {
		return c.Train.Epochs
	}
	if epochs, ends := epochEnds(step, c.Train.Batch, images); ends {
		return float64(epochs)
	}
	return epochAt(step, c.Train.Batch, images)
}
