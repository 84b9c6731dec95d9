package data

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Probabilities of CIFAR-10's long tail at factor 100, computed outside of this program in float64.
func TestClassProbabilitiesOfKnownSamplers(t *testing.T) {
	counts := []int{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}
	for _, c := range []struct {
		kind        string
		epoch       int
		first, last float64
	}{
		{"instance", 0, 0.403030791552, 0.00403030791552},
		{"class", 0, 0.1, 0.1},
		{"sqrt", 0, 0.244737564395, 0.0244737564395},
		{"reverse", 0, 0.00402364987866, 0.402364987866},
		{"effective", 0, 0.119289554807, 0.0941073773074},
		{"progressive", 0, 0.403030791552, 0.00403030791552},
		{"progressive", 60, 0.311664723748, 0.0329658934686},
		{"progressive", 199, 0.1, 0.1},
	} {
		p, err := ClassProbabilities(c.kind, ClassDraw{counts, c.epoch, 200, 0.9999})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(p[0]-c.first) > 1e-11 || math.Abs(p[9]-c.last) > 1e-11 {
			t.Errorf("%s in epoch %d: %v and %v, want %v and %v", c.kind, c.epoch, p[0], p[9], c.first, c.last)
		}
	}
}

// Every rule gives probabilities: none negative, none for a class without images, and their sum is 1; counts of 10^7 beside 1 occur.
func TestClassProbabilitiesSumToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := ClassDraw{
			Counts: rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 2, 50, 4999, 10_000_000}), 1, 20).Draw(t, "counts"),
			Epochs: rapid.SampledFrom([]float64{0.5, 1, 2, 2.5, 200}).Draw(t, "epochs"),
			Beta:   rapid.SampledFrom([]float64{0.5, 0.9999, 1 - 1e-14}).Draw(t, "beta"),
		}
		d.Epoch = rapid.IntRange(0, int(math.Ceil(d.Epochs))-1).Draw(t, "epoch")
		if sum(d.Counts) == 0 {
			d.Counts[0] = 1
		}
		for kind := range classRules {
			p, err := ClassProbabilities(kind, d)
			if err != nil {
				t.Fatal(err)
			}
			total := 0.0
			for c, share := range p {
				if share < 0 || (share > 0) != (d.Counts[c] > 0) {
					t.Fatalf("%s gives class %d of %d images %v", kind, c, d.Counts[c], share)
				}
				total += share
			}
			if math.Abs(total-1) > 1e-12 {
				t.Fatalf("%s: the probabilities sum to %v", kind, total)
			}
		}
	})
}

func TestClassProbabilitiesOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		kind string
		d    ClassDraw
		want string
	}{
		"unknown kind": {"clas", ClassDraw{Counts: []int{1}}, "choose one of class, effective, instance, progressive, reverse, sqrt"},
		"no image":     {"class", ClassDraw{Counts: []int{0, 0}, Epochs: 1}, "has nothing to draw"},
	} {
		if _, err := ClassProbabilities(c.kind, c.d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
