package run

import (
	"errors"
	"fmt"
	"slices"

	"longtail/internal/metrics"
)

// NewScore makes a score of how samples are predicted and the sum over them of the loss. Without samples all is 0.
func NewScore(t metrics.Tally, lossSum float64) Score {
	s := Score{PerClass: make([]float64, len(t.Samples))}
	var hits, total int64
	for c, samples := range t.Samples {
		if samples > 0 {
			s.PerClass[c] = float64(t.Hits[c]) / float64(samples)
		}
		hits += t.Hits[c]
		total += samples
	}
	if total > 0 {
		s.Loss = lossSum / float64(total)
		s.Accuracy = float64(hits) / float64(total)
		s.Error = float64(total-hits) / float64(total)
	}
	return s
}

// NewResult is a score at a step of a run, with the counts that it is of: as a matrix where there are at most metrics.Dense classes.
func NewResult(epoch float64, step int, counts metrics.Counts, classes int, lossSum float64) Result {
	r := Result{Epoch: epoch, Step: step, Score: NewScore(counts.Tally(classes), lossSum)}
	if classes > metrics.Dense {
		r.Cells = counts.Cells()
		return r
	}
	flat := counts.Flat(classes)
	for c := range classes {
		r.Confusion = append(r.Confusion, flat[c*classes:][:classes:classes])
	}
	return r
}

// Tally is how the test images are predicted, by class.
func (r *Result) Tally() metrics.Tally {
	if len(r.Confusion) > 0 {
		return metrics.TallyOf(r.Confusion)
	}
	t := metrics.NewTally(len(r.PerClass))
	for _, cell := range r.Cells {
		t.Add(int(cell[0]), int(cell[1]), cell[2])
	}
	return t
}

// Fits returns an error where a result has not the counts of so many classes.
func (r *Result) Fits(classes int) error {
	if len(r.PerClass) != classes || classes <= metrics.Dense && len(r.Confusion) != classes {
		return fmt.Errorf("a result of %d classes in a run of %d", len(r.Confusion), classes)
	}
	if len(r.Confusion) == 0 {
		if _, ok := metrics.FromCells(r.Cells, classes); !ok {
			return fmt.Errorf("cells of a confusion matrix that are not those of %d classes in order", classes)
		}
		return nil
	}
	for _, row := range r.Confusion {
		if len(row) != classes || len(r.Confusion) != classes || len(r.Cells) > 0 {
			return errors.New("a confusion matrix that is not square")
		}
		if slices.Min(row) < 0 {
			return errors.New("a negative count in the confusion matrix")
		}
	}
	return nil
}
