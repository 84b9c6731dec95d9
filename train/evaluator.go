package train

import (
	"context"
	"fmt"
	"math"

	"longtail/internal/device"
	"longtail/internal/fail"
)

// Evaluator runs an evaluation program over a whole set of images.
type Evaluator struct {
	Session device.Session
	Images  int // in the set, at least 1
	Batch   int // of the program; the last batch is padded
}

// run gives the totals over the set. The calls are always the same, so that the sums have the same bits. It stops between
// two calls where the context is cancelled, with the context's error.
func (e *Evaluator) run(ctx context.Context, classes int, set string, observe Observer) (Totals, error) {
	sums, like := newTotals(classes), e.Session.StepsPerCall()
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
	return sums, nil
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
