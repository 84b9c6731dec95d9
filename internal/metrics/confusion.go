// Package metrics has the numbers by which long-tailed classifiers are compared besides the error: functions of how many samples of each
// class are predicted as which (Counts, or what a Tally keeps of them), and of logits. All are fractions in [0, 1].
package metrics

import "math"

// Recalls are the recall of each class that has samples, in the order of the classes.
func Recalls(t Tally) []float64 {
	var recalls []float64
	for c, n := range t.Samples {
		if n > 0 {
			recalls = append(recalls, float64(t.Hits[c])/float64(n))
		}
	}
	return recalls
}

// BalancedAccuracy is the mean of the recalls of the classes with samples, (1 / C) sum_c r_c (Brodersen et al. 2010, "The balanced accuracy
// and its posterior distribution", for any number of classes). On a balanced test set it is the accuracy. Without samples it is 0.
func BalancedAccuracy(t Tally) float64 {
	recalls := Recalls(t)
	mean := 0.0
	for _, r := range recalls {
		mean += r / float64(len(recalls))
	}
	return mean
}

// GeometricMean is that of the recalls of the classes with samples, (prod_c r_c)^(1 / C), 0 where one of them is 0 (Kubat and Matwin 1997,
// "Addressing the curse of imbalanced training sets", for any number of classes). Without samples it is 0.
func GeometricMean(t Tally) float64 {
	recalls := Recalls(t)
	if len(recalls) == 0 {
		return 0
	}
	logs := 0.0
	for _, r := range recalls {
		logs += math.Log(r) / float64(len(recalls)) // log 0 is -Inf, whose exponential is 0
	}
	return math.Exp(logs)
}

// MacroF1 is the mean over the classes of F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c), of those classes that have samples or are predicted
// (Sokolova and Lapalme 2009, "A systematic analysis of performance measures for classification tasks"; the mean of F1, not the F1 of the
// mean precision and recall). Without samples it is 0.
func MacroF1(t Tally) float64 {
	total, classes := 0.0, 0
	for c, n := range t.Samples {
		if both := n + t.Predicted[c]; both > 0 { // TP + FN + TP + FP
			total += 2 * float64(t.Hits[c]) / float64(both)
			classes++
		}
	}
	return total / float64(max(1, classes))
}
