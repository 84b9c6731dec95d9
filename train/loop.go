package train

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/run"
)

// Task is what Loop trains. Its sessions share their parameters.
type Task struct {
	Config     *config.Config
	Labels     []int32        // [N] of the training images
	Classes    int            // C
	Files      data.Files     // where the training images lie in their data set's files
	Weights    Weights        // of the classes
	Train      device.Session // the training program on the training images
	Test       *Evaluator
	Validation *Evaluator  // nil where no images are held out
	From       *Checkpoint // where to resume
}

// images is N, the number of training images.
func (t *Task) images() int { return len(t.Labels) }

// Loop trains: SGD over one seeded stream of samples, with the learning rate of each step known beforehand, and at the end
// of each epoch a look at the test set. Files, logs and progress are the observer's.
//
// A cancelled context ends it after the current call, or in the middle of a test, with the state saved (fail.Interrupted). A
// loss or parameter that is not finite ends it with nothing saved (fail.Diverged).
//
// Calls are split at the same steps with or without an interruption, so sums stay bit-identical.
func Loop(ctx context.Context, task Task, observe Observer) error {
	l := &loop{Task: task, observe: observe, rates: LearningRates(task.Config, task.images()), Position: task.From.Position}
	if err := l.start(ctx); err != nil {
		return err
	}
	for l.Step < len(l.rates) {
		if err := l.steps(); err != nil {
			return err
		}
		if l.epochEnds() {
			if err := l.maxNorm(); err != nil {
				return err
			}
			if err := l.closeEpoch(ctx); err != nil {
				return err
			}
		} else if l.checkpointDue() || ctx.Err() != nil {
			if err := l.save(); err != nil {
				return err
			}
		}
		if ctx.Err() != nil && l.Step < len(l.rates) {
			return l.interrupted()
		}
	}
	return l.observe(Finished{l.Position})
}

// loop is a run between two steps.
type loop struct {
	Task
	Position
	observe Observer
	rates   []float32 // [steps]
	order   *data.Stream
}

// start gives the sessions what they need, and closes an epoch that was interrupted in its tests.
func (l *loop) start(ctx context.Context) error {
	var err error
	if l.order, err = NewStream(l.Config, l.Labels, l.Classes, l.Files); err != nil {
		return err
	}
	if err := l.Train.Set(plan.LearningRates, l.rates); err != nil {
		return fmt.Errorf("setting the learning rates: %w", err)
	}
	if err := l.weigh(); err != nil {
		return err
	}
	if err := l.Train.Load(l.From.State); err != nil {
		return fmt.Errorf("loading the parameters: %w", err)
	}
	if err := l.observe(Started{l.Step, len(l.rates), l.images(), l.Config.Train.Batch, l.Config.Train.Epochs}); err != nil {
		return err
	}
	if l.Step > l.Recorded && l.epochEnds() {
		return l.closeEpoch(ctx)
	}
	return nil
}

// weigh gives the training session the class weights of the next step.
func (l *loop) weigh() error {
	if err := l.Train.Set(program.ClassWeights, l.Weights.at(l.Step)); err != nil {
		return fmt.Errorf("setting the class weights: %w", err)
	}
	return nil
}

// steps does the next call of the backend and adds up what it saw.
func (l *loop) steps() error {
	if l.Step == l.Weights.From {
		if err := l.weigh(); err != nil {
			return err
		}
	}
	began, n, batch := time.Now(), l.block(), l.Config.Train.Batch
	order, err := l.order.Take(l.Step*batch, n*batch)
	if err != nil {
		return err
	}
	sums, err := l.Train.Run(order, l.Step, n)
	if err != nil {
		return fmt.Errorf("step %d: %w", l.Step, err)
	}
	if sums.NonFinite || math.IsNaN(sums.Loss) || math.IsInf(sums.Loss, 0) {
		return l.diverged("the training loss is not finite", l.Step+n)
	}
	l.Step += n
	l.Sums.add(sums)
	return l.observe(Progress{
		Step: l.Step, Epoch: epochAt(l.Step, batch, l.images()), Loss: l.Sums.Loss / float64(max(l.Sums.samples(), 1)), LR: l.rate(),
		Samples: n * batch, Seconds: time.Since(began).Seconds(),
	})
}

// rate is the learning rate of the last step: the shortest number that rounds to the float32, as people write it.
func (l *loop) rate() float64 {
	rate, _ := strconv.ParseFloat(strconv.FormatFloat(float64(l.rates[l.Step-1]), 'g', -1, 32), 64) // it is a number
	return rate
}

// block is how many steps the next call does.
func (l *loop) block() int {
	end := CallEnd(l.Step, l.Train.StepsPerCall(), len(l.rates))
	if every := l.Config.Train.CheckpointEvery; every > 0 {
		end = min(end, (l.Step/every+1)*every)
	}
	if l.Step < l.Weights.From {
		end = min(end, l.Weights.From)
	}
	batch := l.Config.Train.Batch
	epochEnd := (l.Step*batch/l.images() + 1) * l.images() // in samples
	return min(end, (epochEnd+batch-1)/batch) - l.Step
}

// CallEnd is the step before which a call of the backend that begins at a step ends: the next multiple of the steps per call,
// counted from the start of the run, but not beyond the last step.
func CallEnd(step, perCall, last int) int { return min((step/perCall+1)*perCall, last) }

func (l *loop) checkpointDue() bool {
	every := l.Config.Train.CheckpointEvery
	return every > 0 && l.Step%every == 0
}

// epochEnds reports whether an epoch ends with the last step; the run's end is one, however fractional.
func (l *loop) epochEnds() bool {
	_, ends := epochEnds(l.Step, l.Config.Train.Batch, l.images())
	return ends || l.Step == len(l.rates)
}

// closeEpoch tests where that is due, makes the epoch's record and saves.
func (l *loop) closeEpoch(ctx context.Context) error {
	record := run.Epoch{Epoch: epochOf(l.Config, l.Step, l.images()), Step: l.Step, LR: l.rate(), Train: run.NewScore(l.Sums.Confusion.Tally(l.Classes), l.Sums.Loss)}
	saving, done := Saving{}, EpochDone{}
	if l.testDue(record.Epoch) {
		began := time.Now()
		best, err := l.test(ctx, &record)
		if err != nil {
			return l.testFailed(ctx, err)
		}
		saving, done.EvalSeconds = best, time.Since(began).Seconds()
	}
	state, err := l.finiteState()
	if err != nil {
		return err
	}
	l.Epoch, l.Recorded, l.Sums = record.Epoch, l.Step, newTotals(l.Classes)
	l.Records++
	done.Record = record
	if err := l.observe(done); err != nil {
		return err
	}
	saving.Checkpoint = &Checkpoint{Position: l.Position.clone(), State: state}
	return l.observe(saving)
}

// testFailed handles the failure of a test: an interrupted one is repeated when the run resumes.
func (l *loop) testFailed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if err := l.save(); err != nil {
		return err
	}
	return l.interrupted()
}

// testDue reports whether a multiple of train.eval_every was reached since the last record.
func (l *loop) testDue(epoch float64) bool {
	every := l.Config.Train.EvalEvery
	return l.Step == len(l.rates) || every > 0 && math.Floor(epoch/every) > math.Floor(l.Epoch/every)
}

// test scores the test set and the held-out images, and says of which the state is the best so far.
func (l *loop) test(ctx context.Context, record *run.Epoch) (best Saving, err error) {
	weights := l.Weights.at(l.Step - 1)
	tested, err := l.Test.run(ctx, weights, "test", l.observe)
	if err != nil {
		return best, err
	}
	result := tested.result(record.Epoch, l.Step, l.Classes)
	record.Test = &result.Score
	if l.Validation != nil {
		validated, err := l.Validation.run(ctx, weights, "validation", l.observe)
		if err != nil {
			return best, err
		}
		score := validated.score(l.Classes)
		record.Validation = &score
		if l.BestByValidation == nil || score.Error < l.BestValidation.Error {
			l.BestByValidation, l.BestValidation, best.BestValidation = &result, &score, true
		}
		l.LastValidation = &score
	}
	l.Last = &result
	if l.Best == nil || result.Error < l.Best.Error {
		l.Best, best.Best = &result, true
	}
	return best, nil
}

// save hands over the state in the middle of an epoch.
func (l *loop) save() error {
	state, err := l.finiteState()
	if err != nil {
		return err
	}
	return l.observe(Saving{Checkpoint: &Checkpoint{Position: l.Position.clone(), State: state}})
}

// finiteState copies the state from the device. Parameters may stop being finite a step before the loss does; such a state
// must never take the place of a good one.
func (l *loop) finiteState() (device.State, error) {
	state, err := l.Train.Save()
	if err != nil {
		return nil, fmt.Errorf("reading the parameters after step %d: %w", l.Step, err)
	}
	if name := notFinite(state); name != "" {
		return nil, l.diverged(name+" is not finite", l.Step)
	}
	return state, nil
}

func (l *loop) diverged(what string, step int) error {
	return fail.Diverged("%s after step %d (epoch %.2f, learning rate %g)", what, step,
		epochAt(step, l.Config.Train.Batch, l.images()), l.rates[step-1])
}

func (l *loop) interrupted() error {
	return fail.Interrupted("interrupted after step %d of %d; the state is saved", l.Step, len(l.rates))
}
