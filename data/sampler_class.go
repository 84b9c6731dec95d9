package data

func init() { RegisterClassSampler("class", classRule) }

// classRule draws every class with the same probability 1 / C: class-balanced sampling.
func classRule(d ClassDraw) []float64 { return d.each(func(float64) float64 { return 1 }) }
