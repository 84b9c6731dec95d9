package run

import "slices"

// NewScore makes a score of a confusion matrix [C * C] of counts (row = true class) and the sum over its samples of the loss.
// Without samples all is 0.
func NewScore(confusion []int64, classes int, lossSum float64) Score {
	s := Score{PerClass: make([]float64, classes)}
	var hits, total int64
	for c := range classes {
		row := confusion[c*classes : (c+1)*classes]
		var samples int64
		for _, n := range row {
			samples += n
		}
		if samples > 0 {
			s.PerClass[c] = float64(row[c]) / float64(samples)
		}
		hits += row[c]
		total += samples
	}
	if total > 0 {
		s.Loss = lossSum / float64(total)
		s.Accuracy = float64(hits) / float64(total)
		s.Error = float64(total-hits) / float64(total)
	}
	return s
}

// NewResult is a score with its confusion matrix [C * C] at a step of a run.
func NewResult(epoch float64, step int, confusion []int64, classes int, lossSum float64) Result {
	r := Result{Epoch: epoch, Step: step, Score: NewScore(confusion, classes, lossSum), Confusion: make([][]int64, classes)}
	for c := range r.Confusion {
		r.Confusion[c] = slices.Clone(confusion[c*classes : (c+1)*classes])
	}
	return r
}
