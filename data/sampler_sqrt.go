package data

import "math"

// Square-root sampling: a class has a share in proportion to sqrt n (Mahajan et al., "Exploring the Limits of Weakly Supervised
// Pretraining", ECCV 2018).
func init() {
	RegisterClassSampler("sqrt", func(d ClassDraw) []float64 { return d.each(math.Sqrt) })
}
