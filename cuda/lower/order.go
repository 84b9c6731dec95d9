package lower

import (
	"math"

	"longtail/internal/metrics"
	"longtail/internal/plan"
)

// OrderStride is how many numbers of the order belong to a step: the images of its batch and, with mixing, struct Batch of kernels/images.cu.
func OrderStride(p *plan.Program) int {
	if p.Mix == nil {
		return p.Batch
	}
	return 3*p.Batch + 1 + 4
}

// Order is the order of a call as the kernel of the images reads it: that of the samples [steps * batch] where mixtures is nil, and otherwise, for
// each step, its samples, partners, label factors (float32), share (float32) and box.
func Order(p *plan.Program, samples []int32, mixtures []plan.Mixture) []int32 {
	if p.Mix == nil {
		return samples
	}
	order := make([]int32, 0, len(mixtures)*OrderStride(p))
	bits := func(x float32) int32 { return int32(math.Float32bits(x)) }
	for i, m := range mixtures {
		order = append(order, samples[i*p.Batch:][:p.Batch]...)
		order = append(order, m.Partners...)
		for _, share := range m.First {
			order = append(order, bits(share))
		}
		order = append(order, bits(m.Share), m.Box.Top, m.Box.Left, m.Box.Bottom, m.Box.Right)
	}
	return order
}

// Predictions counts what the steps of a call predict by the labels of its samples [steps * batch]. After is the order of the call as the steps leave
// it: in the place of a sample the class that is predicted of it, or -1.
func Predictions(p *plan.Program, samples, labels, after []int32) metrics.Counts {
	counts := metrics.Counts{}
	for i, sample := range samples {
		if class := after[i/p.Batch*OrderStride(p)+i%p.Batch]; class >= 0 {
			counts[metrics.Pair{Label: labels[sample], Predicted: class}]++
		}
	}
	return counts
}
