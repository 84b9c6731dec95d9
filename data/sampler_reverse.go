package data

// Reverse sampling: a class has a share in proportion to 1 / n, the rarest the largest (Zhou et al., "BBN: Bilateral-Branch Network",
// CVPR 2020, its re-balancing branch).
func init() {
	RegisterClassSampler("reverse", func(d ClassDraw) []float64 { return d.each(func(n float64) float64 { return 1 / n }) })
}
