package data

import (
	"math"
	"testing"
)

// The expectation against the mean of simulated epochs.
func TestExpectationIsTheMeanOfEpochs(t *testing.T) {
	counts := []int{300, 0, 60, 5, 1}
	e := labelled(counts)
	p, err := ClassProbabilities("class", ClassDraw{Counts: counts, Epochs: 10})
	if err != nil {
		t.Fatal(err)
	}
	const epochs = 400
	drawn, distinct := make([]float64, len(counts)), make([]float64, len(counts))
	for e.Number = range epochs {
		order, err := samplers["class"](e)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int32]bool{}
		for _, image := range order {
			drawn[e.Labels[image]] += 1. / epochs
			if !seen[image] {
				distinct[e.Labels[image]] += 1. / epochs
			}
			seen[image] = true
		}
	}
	got := Expect(p, counts)
	for c, n := range counts {
		// Binomial and occupancy numbers vary by less than the root of their mean; five standard errors of the mean of the epochs.
		if bound := 5 * math.Sqrt(got.Drawn[c]/epochs); math.Abs(got.Drawn[c]-drawn[c]) > bound || math.Abs(got.Distinct[c]-distinct[c]) > bound {
			t.Errorf("class %d: %v images drawn, %v distinct; the epochs have %v and %v", c, got.Drawn[c], got.Distinct[c], drawn[c], distinct[c])
		}
		if n > 0 && got.Times[c] != got.Drawn[c]/float64(n) || n == 0 && got.Times[c] != 0 {
			t.Errorf("class %d: each image is seen %v times of %v", c, got.Times[c], got.Drawn[c])
		}
	}
	if one := Expect([]float64{1, 0}, []int{1, 0}); one.Distinct[0] != 1 || one.Drawn[0] != 1 {
		t.Errorf("one image: %+v", one)
	}
}
