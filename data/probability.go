package data

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// ClassRule gives every class its share [C] in the draws of an epoch, up to a common factor; a class without images has none, whatever
// the rule gives it.
type ClassRule func(ClassDraw) []float64

// ClassDraw is what a ClassRule may look at.
type ClassDraw struct {
	Counts []int   // [C] training images of each class
	Epoch  int     // the first is 0
	Epochs float64 // of the whole run, at least 1
	Beta   float64 // of effective numbers, in [0, 1)
}

var classRules = map[string]ClassRule{}

// registerRule makes a rule known by a name.
func registerRule(name string, rule ClassRule) {
	if _, taken := classRules[name]; taken {
		panic("data: the class rule " + name + " is registered twice")
	}
	classRules[name] = rule
}

// HasProbabilities reports whether a sampler draws by class probabilities, which ClassProbabilities gives.
func HasProbabilities(sampler string) bool { return classRules[sampler] != nil }

// ClassProbabilities is the probability [C] of each class in a draw of a sampler. It is a function of its arguments alone; for
// [Instance] it is the share of the class in the permutations. An error names an unknown kind, or says that there is nothing to draw.
func ClassProbabilities(kind string, d ClassDraw) ([]float64, error) {
	rule, ok := classRules[kind]
	if !ok {
		return nil, fmt.Errorf("the sampler %q has no class probabilities\nchoose one of %s", kind, strings.Join(slices.Sorted(maps.Keys(classRules)), ", "))
	}
	p := rule(d)
	if len(p) != len(d.Counts) {
		return nil, fmt.Errorf("the sampler %s gives %d probabilities for %d classes", kind, len(p), len(d.Counts))
	}
	p = slices.Clone(p)
	sum := 0.0
	for c, n := range d.Counts {
		if n == 0 {
			p[c] = 0
		}
		if !(p[c] >= 0) {
			return nil, fmt.Errorf("the sampler %s gives class %d the probability %v", kind, c, p[c])
		}
		sum += p[c]
	}
	if sum == 0 || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("the sampler %s has nothing to draw from classes of %v images", kind, d.Counts)
	}
	for c := range p {
		p[c] /= sum
	}
	return p, nil
}

// each is a share [C] for every class as a function of its number of images.
func (d ClassDraw) each(share func(n float64) float64) []float64 {
	shares := make([]float64, len(d.Counts))
	for c, n := range d.Counts {
		if n > 0 {
			shares[c] = share(float64(n))
		}
	}
	return shares
}
