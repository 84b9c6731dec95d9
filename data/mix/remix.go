package mix

import "longtail/internal/plan"

func init() {
	Register("remix", func(o Options) Rule { return remix{o["alpha"], o["kappa"], o["tau"]} }, alpha,
		Option{Name: "kappa", Default: 3, Min: 1, Max: 1e6, Doc: "times that a class is rarer than another to take its label"},
		Option{Name: "tau", Default: 0.5, Min: 0, Max: 1, Doc: "share below which an image loses its label"})
}

// remix mixes images as mixup does, and labels by the function Remix.
type remix struct{ alpha, kappa, tau float64 }

func (r remix) Mix(b *Batch) plan.Mixture {
	l := b.Factor(r.alpha)
	m := b.Blend(l)
	for i, j := range m.Partners {
		m.First[i] = float32(Remix(b.Counts[b.Labels[i]], b.Counts[b.Labels[j]], float64(l), r.kappa, r.tau))
	}
	return m
}

// Remix is the share of the first label of a mixed image by Chou et al., "Remix: Rebalanced Mixup", 2020, equation 6. l is the first
// image's share of the pixels and n1, n2 are the training images of the two labels' classes: the label of a class that is kappa times
// rarer gets the whole image, as long as its share is not below 1 - tau.
func Remix(n1, n2 int, l, kappa, tau float64) float64 {
	ratio := float64(n1) / float64(n2)
	switch {
	case ratio >= kappa && l < tau:
		return 0
	case ratio <= 1/kappa && 1-l < tau:
		return 1
	}
	return l
}
