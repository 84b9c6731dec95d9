package train

import (
	"context"
	"fmt"
	"math"

	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/program"
	"longtail/loss"
)

// Evaluator runs an evaluation program over a whole set of images.
type Evaluator struct {
	Session device.Session
	Images  int    // in the set, at least 1
	Batch   int    // of the program; the last batch is padded
	Divisor string // of the loss of the whole set, one of loss.Divisors
}

// run gives the totals over the set with class weights [C]. The calls are always the same, so that the sums have the same bits. It stops between
// two calls where the context is cancelled, with the context's error.
func (e *Evaluator) run(ctx context.Context, weights []float32, set string, observe Observer) (Totals, error) {
	sums, like := newTotals(len(weights)), e.Session.StepsPerCall()
	if err := e.Session.Set(program.ClassWeights, weights); err != nil {
		return sums, fmt.Errorf("setting the class weights: %w", err)
	}
	batches := (e.Images + e.Batch - 1) / e.Batch
	for first := 0; first < batches; first += like {
		if err := ctx.Err(); err != nil {
			return sums, err
		}
		n := min(like, batches-first)
		part, err := e.Session.Run(e.order(first, n), first, n)
		if err != nil {
			return sums, fmt.Errorf("evaluating the %s images from %d on: %w", set, first*e.Batch, err)
		}
		if part.NonFinite || math.IsNaN(part.Loss) || math.IsInf(part.Loss, 0) {
			return sums, fail.Diverged("the loss of the %s images is not finite", set)
		}
		sums.add(part)
		if err := observe(Testing{set, min((first+n)*e.Batch, e.Images), e.Images}); err != nil {
			return sums, err
		}
	}
	if got := sums.samples(); got != int64(e.Images) {
		return sums, fmt.Errorf("evaluating the %s images: the backend counted %d of %d", set, got, e.Images)
	}
	if e.Divisor == loss.ByWeights {
		sums.divideByWeights(weights)
	}
	return sums, nil
}

// divideByWeights makes the mean over the samples that of the weighted losses over the weights: (sum of w_y l) / (sum of w_y) over the
// whole set, whatever its batches.
func (t *Totals) divideByWeights(weights []float32) {
	total := 0.0
	for i, n := range t.Confusion {
		total += float64(n) * float64(weights[i/len(weights)])
	}
	if total > 0 {
		t.Loss *= float64(t.samples()) / total
	}
}

// order is the images of n batches from a batch on, -1 past the last image, [n * Batch].
func (e *Evaluator) order(first, n int) []int32 {
	order := make([]int32, n*e.Batch)
	for i := range order {
		order[i] = int32(first*e.Batch + i)
		if int(order[i]) >= e.Images {
			order[i] = -1
		}
	}
	return order
}
