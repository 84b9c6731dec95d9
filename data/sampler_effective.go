package data

import "longtail/internal/effective"

// Effective is the sampler that draws a class in proportion to n w, w = (1 - beta) / (1 - beta^n) the class-balanced weight of Cui et
// al. (CVPR 2019): sampling in place of weighting. Its beta is the key data.sampler_beta.
const Effective = "effective"

func init() {
	RegisterClassSampler(Effective, func(d ClassDraw) []float64 {
		return d.each(func(n float64) float64 { return n / effective.Number(int(n), d.Beta) })
	})
}
