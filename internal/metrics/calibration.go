package metrics

import "math"

// Bins is the number of bins of a Calibration, as in the literature.
const Bins = 15

// Calibration adds up how confident a classifier is and how often it is right, for the expected calibration error of Guo et al. 2017, "On
// calibration of modern neural networks", equation 3. The confidence of an image is its largest softmax probability,
// p = max_c e^z_c / sum_c e^z_c, whatever loss the network was trained with; bin m of 15 holds p in ((m - 1) / 15, m / 15].
type Calibration struct {
	bins [Bins]struct {
		n                float64
		hits, confidence float64 // sums
	}
}

// Add counts an image by its logits [C], of which the first largest one is the prediction, and its label.
func (c *Calibration) Add(logits []float64, label int) {
	best := Argmax(logits)
	total := 0.0
	for _, z := range logits {
		total += math.Exp(z - logits[best])
	}
	p := 1 / total
	b := &c.bins[min(max(int(math.Ceil(p*Bins)), 1), Bins)-1]
	b.n++
	b.confidence += p
	if best == label {
		b.hits++
	}
}

// Error is the expected calibration error, sum over the bins of (n_m / n) |accuracy_m - mean confidence_m|. Without images it is 0.
func (c *Calibration) Error() float64 {
	n, gaps := 0.0, 0.0
	for _, b := range c.bins {
		n += b.n
		gaps += math.Abs(b.hits - b.confidence)
	}
	return gaps / max(1, n)
}

// Argmax is the index of the first largest score, which is the predicted class.
func Argmax(scores []float64) int {
	best := 0
	for c, z := range scores {
		if z > scores[best] {
			best = c
		}
	}
	return best
}
