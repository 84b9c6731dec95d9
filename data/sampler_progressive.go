package data

import "math"

// Progressive sampling turns from instances to classes over the run: (1 - k) p_instance + k p_class with k = epoch / (epochs - 1), from
// 0 in the first epoch to 1 in the last, which may be a fraction of one (Kang et al., "Decoupling Representation and Classifier", ICLR
// 2020, section 3). A run of one epoch has k = 0.
func init() {
	RegisterClassSampler("progressive", func(d ClassDraw) []float64 {
		k := 0.0
		if last := math.Ceil(d.Epochs) - 1; last > 0 {
			k = min(float64(d.Epoch)/last, 1)
		}
		images, classes := 0.0, 0.0
		for _, n := range d.Counts {
			images += float64(n)
			if n > 0 {
				classes++
			}
		}
		return d.each(func(n float64) float64 { return (1-k)*n/images + k/classes })
	})
}
