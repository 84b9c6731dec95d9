package data

import (
	"fmt"
	"math"

	"longtail/internal/effective"
)

// ClassDraw is what the class probabilities of a sampler depend on.
type ClassDraw struct {
	Counts []int   // [C] training images of each class
	Epoch  int     // the first is 0
	Epochs float64 // of the whole run, at least 1
	Beta   float64 // of effective numbers, in [0, 1)
}

// ClassProbabilities is the probability [C] of each class in a draw of a sampler. It is a function of its arguments alone. An error names
// an unknown kind, or says that there is nothing to draw.
func ClassProbabilities(kind string, d ClassDraw) ([]float64, error) {
	instance := func(n float64) float64 { return n }
	class := func(float64) float64 { return 1 }
	switch kind {
	case "instance":
		return d.shares(instance)
	case "class":
		return d.shares(class)
	case "sqrt":
		return d.shares(math.Sqrt)
	case "reverse":
		return d.shares(func(n float64) float64 { return 1 / n })
	case "effective":
		return d.shares(func(n float64) float64 { return n / effective.Number(int(n), d.Beta) })
	case "progressive":
		p, err := d.shares(instance)
		q, _ := d.shares(class) // fails where the first one does
		k := float64(d.Epoch) / max(d.Epochs-1, 1)
		for c := range q {
			p[c] = (1-k)*p[c] + k*q[c]
		}
		return p, err
	}
	return nil, fmt.Errorf("the sampler %q has no class probabilities", kind)
}

// shares scales a number of each class that has images so that they sum to 1.
func (d ClassDraw) shares(share func(n float64) float64) ([]float64, error) {
	p, sum := make([]float64, len(d.Counts)), 0.0
	for c, n := range d.Counts {
		if n > 0 {
			p[c] = share(float64(n))
			sum += p[c]
		}
	}
	if sum == 0 {
		return nil, fmt.Errorf("there is no image to draw")
	}
	for c := range p {
		p[c] /= sum
	}
	return p, nil
}
