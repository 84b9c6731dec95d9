package data

import "math"

// Expectation is what N draws with replacement by class probabilities hold on average, for each class [C].
type Expectation struct {
	Drawn    []float64 // images: N p
	Times    []float64 // that each image of the class is seen: N p / n
	Distinct []float64 // images that are seen at all: n (1 - (1 - p / n)^N)
}

// Expect is the expectation of as many draws as there are images. A class without images has zeros.
func Expect(probabilities []float64, counts []int) Expectation {
	classes, draws := len(counts), 0
	for _, n := range counts {
		draws += n
	}
	e := Expectation{make([]float64, classes), make([]float64, classes), make([]float64, classes)}
	for c, n := range counts {
		if n == 0 {
			continue
		}
		e.Drawn[c] = float64(draws) * probabilities[c]
		e.Times[c] = e.Drawn[c] / float64(n)
		e.Distinct[c] = -float64(n) * math.Expm1(float64(draws)*math.Log1p(-probabilities[c]/float64(n)))
	}
	return e
}
