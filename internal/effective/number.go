// Package effective has the effective number of samples of Cui et al., "Class-Balanced Loss Based on Effective Number of Samples",
// CVPR 2019, which weights classes in losses and in samplers.
package effective

import "math"

// Number is E(n) = (1 - beta^n) / (1 - beta), the expected volume that n samples cover when each new one overlaps what is already
// there with probability beta (proposition 1). beta is in [0, 1); n = 0 gives 0.
//
// expm1 keeps all digits where beta^n is close to 1: at beta = 0.9999 and n = 5 the formula as written loses four.
func Number(n int, beta float64) float64 {
	if beta == 0 {
		return math.Min(float64(n), 1)
	}
	return -math.Expm1(float64(n)*math.Log(beta)) / (1 - beta)
}
