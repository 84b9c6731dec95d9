package loss

import "math"

// EffectiveNumber is E(n) = (1 - beta^n) / (1 - beta), the expected volume that n samples cover when each new one overlaps
// what is already there with probability beta (Cui et al. 2019, proposition 1). beta is in [0, 1); n = 0 gives 0.
//
// expm1 keeps all digits where beta^n is close to 1: at beta = 0.9999 and n = 5 the formula as written loses four.
func EffectiveNumber(n int, beta float64) float64 {
	if beta == 0 {
		return math.Min(float64(n), 1)
	}
	return -math.Expm1(float64(n)*math.Log(beta)) / (1 - beta)
}

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
