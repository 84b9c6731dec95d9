package data

import (
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"

	"pgregory.net/rapid"
)

// Totals from the paper's protocol, as the authors' formula gives them in double precision.
func TestCountTotals(t *testing.T) {
	factors := []float64{200, 100, 50, 20, 10, 1}
	for dataset, totals := range map[string][]int{
		"cifar10":  {11203, 12406, 13996, 17023, 20431, 50000},
		"cifar20":  {10225, 11514, 13204, 16396, 19954, 50000},
		"cifar100": {9502, 10847, 12608, 15907, 19573, 50000},
	} {
		for i, factor := range factors {
			counts, err := Counts(Spec{Dataset: dataset, Imbalance: factor})
			if err != nil {
				t.Fatal(err)
			}
			if got := sum(counts); got != totals[i] {
				t.Errorf("%s, factor %v: %d images, want %d", dataset, factor, got, totals[i])
			}
		}
	}
}

func TestCountsAreThePapers(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want []int
	}{
		{Spec{Dataset: "cifar10", Imbalance: 50}, []int{5000, 3237, 2096, 1357, 878, 568, 368, 238, 154, 100}},
		{Spec{Dataset: "cifar10", Imbalance: 100, Profile: "step"}, []int{5000, 5000, 5000, 5000, 5000, 50, 50, 50, 50, 50}},
		{Spec{Dataset: "synthetic10", Imbalance: 10, MaxPerClass: 200}, []int{200, 154, 119, 92, 71, 55, 43, 33, 25, 20}},
		// Python's int(n_max * (1 / IF) ** (c / 19)).
		{Spec{Dataset: "cifar20", Imbalance: 100}, []int{2500, 1961, 1539, 1208, 948, 744, 583, 458, 359, 282, 221, 173, 136, 107, 83, 65, 51, 40, 31, 25}},
		// Here math.Pow gives 999 for class 3.
		{Spec{Dataset: "cifar10", Imbalance: 125}, []int{5000, 2924, 1709, 1000, 584, 341, 200, 116, 68, 40}},
	} {
		got, err := Counts(c.spec)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("Counts(%+v) = %v, %v, want %v", c.spec, got, err, c.want)
		}
	}
}

func TestCountsFallFromHeadToTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Spec{
			Dataset:     rapid.SampledFrom([]string{"cifar10", "cifar20", "cifar100", "synthetic10", "synthetic100"}).Draw(t, "dataset"),
			Imbalance:   rapid.Float64Range(1, 500).Draw(t, "imbalance"),
			Profile:     rapid.SampledFrom(Profiles()).Draw(t, "profile"),
			Validation:  rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, "validation"),
			MaxPerClass: rapid.IntRange(0, 500).Draw(t, "max_per_class"),
		}
		counts, err := Counts(s)
		if err != nil {
			if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "would have no training image") {
				t.Fatal(err)
			}
			return
		}
		for c := range counts {
			if counts[c] < 1 || c > 0 && counts[c] > counts[c-1] {
				t.Fatalf("class %d has %d images in %v", c, counts[c], counts)
			}
		}
	})
}

func TestImpossibleValuesAreUsageErrors(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Dataset: "cifar10", Imbalance: 0.01}, "did you mean 100?"},
		{Spec{Dataset: "cifar10", Imbalance: 0.02}, "did you mean 50?"},
		{Spec{Dataset: "cifar10", Imbalance: 0.01}, "data.imbalance=0.01"},
		{Spec{Dataset: "cifar10", Imbalance: -1}, "data.imbalance=-1"},
		{Spec{Dataset: "cifar10", Imbalance: 1, Profile: "linear"}, "choose one of exp, step"},
		{Spec{Dataset: "cifar1", Imbalance: 1}, "choose one of cifar10, cifar20, cifar100, "},
		{Spec{Dataset: "cifar100", Imbalance: 1, MaxPerClass: 501}, "data.max_per_class=501"},
		{Spec{Dataset: "cifar100", Imbalance: 1, MaxPerClass: -1}, "data.max_per_class=-1"},
		{Spec{Dataset: "cifar10", Imbalance: 1, Validation: 1}, "data.validation=1"},
		{Spec{Dataset: "cifar10", Imbalance: 1e9}, "lower data.imbalance to 5000 or less"},
		{Spec{Dataset: "cifar10", Imbalance: 100, MaxPerClass: 50}, "or raise data.max_per_class to 100 or more"},
	} {
		_, err := Counts(c.spec)
		if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Counts(%+v): error %v, want a usage error with %q", c.spec, err, c.want)
		}
		if _, err := Load(t.Context(), c.spec); fail.Code(err) != fail.CodeUsage {
			t.Errorf("Load(%+v): error %v, want a usage error", c.spec, err)
		}
	}
}

func TestHeldOutRoundsAndLeavesSomethingOnBothSides(t *testing.T) {
	for _, c := range []struct {
		n        int
		fraction float64
		want     int
	}{
		{5000, 0.1, 500}, {5000, 0, 0}, {25, 0.1, 3}, {24, 0.1, 2}, {2, 0.1, 1}, {2, 0.99, 1}, {1, 0.9, 0}, {10, 0.99, 9},
	} {
		if got := HeldOut(c.n, c.fraction); got != c.want {
			t.Errorf("HeldOut(%d, %v) = %d, want %d", c.n, c.fraction, got, c.want)
		}
	}
}
