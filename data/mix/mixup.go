package mix

import "longtail/internal/plan"

func init() {
	Register("mixup", func(o Options) Rule { return mixup{o["alpha"]} }, alpha)
}

// mixup is l x_a + (1 - l) x_b of two images, with the labels mixed by l too (Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR
// 2018, equation 1).
type mixup struct{ alpha float64 }

func (m mixup) Mix(b *Batch) plan.Mixture { return b.Blend(b.Factor(m.alpha)) }
