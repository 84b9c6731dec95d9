package programtest

import (
	"math"

	"longtail/internal/plan"
)

// MixedSoftmax is the softmax loss of a batch of mixed images in float64, its mean over the batch, with its gradient [N, C] by the logits
// [N, C]; labels [N] are those of the batch and weights [C] those of the classes.
func MixedSoftmax(logits []float32, labels []int32, weights []float32, m *plan.Mixture) (loss float64, gradient []float64) {
	n, classes := len(labels), len(weights)
	gradient = make([]float64, len(logits))
	for i := range n {
		row := logits[i*classes:][:classes]
		sum := 0.0
		for _, z := range row {
			sum += math.Exp(float64(z))
		}
		first := float64(m.First[i])
		for _, l := range []struct {
			label int32
			share float64
		}{{labels[i], first}, {labels[m.Partners[i]], 1 - first}} {
			factor := l.share * float64(weights[l.label]) / float64(n)
			loss += factor * (math.Log(sum) - float64(row[l.label]))
			for c, z := range row {
				gradient[i*classes+c] += factor * math.Exp(float64(z)) / sum
			}
			gradient[i*classes+int(l.label)] -= factor
		}
	}
	return loss, gradient
}
