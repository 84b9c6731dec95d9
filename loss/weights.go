package loss

import "longtail/internal/effective"

// EffectiveNumber is E(n) = (1 - beta^n) / (1 - beta) of n samples, for beta in [0, 1): effective.Number.
func EffectiveNumber(n int, beta float64) float64 { return effective.Number(n, beta) }

// Weights are the class weights [C] for the number of training images of each class [C]: proportional to 1 / E(n_c) and
// scaled so that they sum to C. beta = 0 gives all ones. A class without images has no effective number; it gets weight 0,
// and the others sum to their own number.
func Weights(counts []int, beta float64) []float64 {
	weights := make([]float64, len(counts))
	sum, present := 0.0, 0
	for c, n := range counts {
		if n > 0 {
			weights[c] = 1 / EffectiveNumber(n, beta)
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
