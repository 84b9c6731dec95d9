package loss

import (
	"fmt"
	"math"

	"longtail/internal/effective"
)

// EffectiveNumber is E(n) = (1 - beta^n) / (1 - beta) of n samples, for beta in [0, 1): effective.Number.
func EffectiveNumber(n int, beta float64) float64 { return effective.Number(n, beta) }

// The known kinds of class weights, before they are scaled.
const (
	Unweighted  = "none"         // 1
	Effective   = "effective"    // 1 / E(n), Cui et al. 2019
	Inverse     = "inverse"      // 1 / n
	SqrtInverse = "sqrt_inverse" // 1 / sqrt n
)

// Weightings are the known kinds of class weights.
func Weightings() []string { return []string{Unweighted, Effective, Inverse, SqrtInverse} }

// Weights are the class weights [C] of the paper: those of kind Effective.
func Weights(counts []int, beta float64) []float64 {
	weights, _ := WeightsOf(Effective, counts, beta) // it is a known kind
	return weights
}

// WeightsOf are the class weights [C] of a kind for the number of training images of each class [C], scaled so that they sum to C; beta
// counts for Effective, where 0 gives all ones. A class without images gets weight 0, and the others sum to their own number. An unknown
// kind is an error.
func WeightsOf(kind string, counts []int, beta float64) ([]float64, error) {
	switch kind {
	case Unweighted:
		return scaled(counts, func(int) float64 { return 1 }), nil
	case Effective:
		return scaled(counts, func(n int) float64 { return 1 / EffectiveNumber(n, beta) }), nil
	case Inverse:
		return scaled(counts, func(n int) float64 { return 1 / float64(n) }), nil
	case SqrtInverse:
		return scaled(counts, func(n int) float64 { return 1 / math.Sqrt(float64(n)) }), nil
	}
	return nil, fmt.Errorf("there are no class weights %q; there are %v", kind, Weightings())
}

// scaled are weights of the classes that have images, scaled so that they sum to the number of these classes.
func scaled(counts []int, weight func(n int) float64) []float64 {
	weights := make([]float64, len(counts))
	sum, present := 0.0, 0
	for c, n := range counts {
		if n > 0 {
			weights[c] = weight(n)
			sum += weights[c]
			present++
		}
	}
	if present == 0 {
		return weights
	}
	for c := range weights {
		weights[c] *= float64(present) / sum
	}
	return weights
}
