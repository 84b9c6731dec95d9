package train

import (
	"context"
	"fmt"
	"math"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/posthoc"
	"longtail/internal/program"
	"longtail/internal/run"
	"longtail/loss"
)

// Evaluator runs an evaluation program over a whole set of images.
type Evaluator struct {
	Session device.Session
	Labels  []int32 // [N] of the images of the set, at least one
	Batch   int     // of the program; the last batch is padded
	Divisor string  // of the loss of the whole set, one of loss.Divisors

	keep bool // the logits and features of all images
}

// pass is what an evaluation of a set found.
type pass struct {
	Totals
	calibration metrics.Calibration
	outputs     posthoc.Outputs // empty where they are not kept
}

// score is the pass as it is recorded.
func (p *pass) score(classes int) run.Score {
	s := run.NewScore(p.Confusion.Tally(classes), p.Loss)
	s.ECE = p.ece()
	return s
}

// result is the pass over the test set as a run is quoted by it.
func (p *pass) result(epoch float64, step, classes int) run.Result {
	r := run.NewResult(epoch, step, p.Confusion, classes, p.Loss)
	r.ECE = p.ece()
	return r
}

func (p *pass) ece() *float64 {
	e := p.calibration.Error()
	return &e
}

// calibrationError is that of logits [N, C].
func calibrationError(logits [][]float64, labels []int32) *float64 {
	var p pass
	for i, row := range logits {
		p.calibration.Add(row, int(labels[i]))
	}
	return p.ece()
}

// run looks at the whole set with class weights [C], one step a call: the logits of a step can be read only before the next one. The loss is added step by step,
// as a device adds it within a call, so that it has the bits of one long call. It stops between two calls where the context is cancelled,
// with the context's error.
func (e *Evaluator) run(ctx context.Context, weights []float32, set string, observe Observer) (*pass, error) {
	found, images := &pass{Totals: newTotals(len(weights))}, len(e.Labels)
	if err := e.Session.Set(program.ClassWeights, weights); err != nil {
		return nil, fmt.Errorf("setting the class weights: %w", err)
	}
	for first := 0; first < images; first += e.Batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part, err := e.Session.Run(e.order(first), first/e.Batch, 1)
		if err != nil {
			return nil, fmt.Errorf("evaluating the %s images from %d on: %w", set, first, err)
		}
		if part.NonFinite || math.IsNaN(part.Loss) || math.IsInf(part.Loss, 0) {
			return nil, fail.Diverged("the loss of the %s images is not finite", set)
		}
		found.add(part)
		done := min(first+e.Batch, images)
		if err := e.look(found, e.Labels[first:done]); err != nil {
			return nil, err
		}
		if err := observe(Testing{set, done, images}); err != nil {
			return nil, err
		}
	}
	if got := found.samples(); got != int64(images) {
		return nil, fmt.Errorf("evaluating the %s images: the backend counted %d of %d", set, got, images)
	}
	if e.Divisor == loss.ByWeights {
		found.divideByWeights(weights)
	}
	return found, nil
}

// divideByWeights makes the mean over the samples that of the weighted losses over the weights: (sum of w_y l) / (sum of w_y) over the
// whole set, whatever its batches.
func (t *Totals) divideByWeights(weights []float32) {
	total := 0.0
	for _, cell := range t.Confusion.Cells() { // in order, for the bits of the sum
		total += float64(cell[2]) * float64(weights[cell[0]])
	}
	if total > 0 {
		t.Loss *= float64(t.samples()) / total
	}
}

// look adds what the last step gave for images with those labels to a pass.
func (e *Evaluator) look(p *pass, labels []int32) error {
	logits, err := e.read(device.Logits, len(labels))
	if err != nil {
		return err
	}
	for i, row := range logits {
		p.calibration.Add(row, int(labels[i]))
	}
	if !e.keep {
		return nil
	}
	features, err := e.read(device.Features, len(labels))
	if err != nil {
		return err
	}
	o := &p.outputs
	o.Logits, o.Features, o.Labels = append(o.Logits, logits...), append(o.Features, features...), append(o.Labels, labels...)
	return nil
}

// read gives the first n rows of a result [N, K] of the last step.
func (e *Evaluator) read(name string, n int) ([][]float64, error) {
	values, err := e.Session.Read(name)
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", name, err)
	}
	return toRows(values, e.Batch)[:n], nil
}

// toRows cuts a matrix into n rows.
func toRows(values []float32, n int) [][]float64 {
	width := len(values) / n
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, width)
		for k := range rows[i] {
			rows[i][k] = float64(values[i*width+k])
		}
	}
	return rows
}

// order is the batch of images from one on, -1 past the last image, [Batch].
func (e *Evaluator) order(first int) []int32 {
	order := make([]int32, e.Batch)
	for i := range order {
		order[i] = int32(first + i)
		if int(order[i]) >= len(e.Labels) {
			order[i] = -1
		}
	}
	return order
}
