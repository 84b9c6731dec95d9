package loss

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestWeightsOfThePaper is the check line of CIFAR-10, imbalance factor 50, beta 0.9999.
func TestWeightsOfThePaper(t *testing.T) {
	counts := []int{5000, 3237, 2096, 1357, 878, 568, 368, 238, 154, 100}
	want := []string{".0890", ".1267", ".1853", ".2761", ".4168", ".6344", ".9695", "1.4894", "2.2923", "3.5206"}
	for c, w := range Weights(counts, .9999) {
		got := fmt.Sprintf("%.4f", w)
		if want := want[c]; got != want && got != "0"+want {
			t.Errorf("class %d: %s, want %s", c, got, want)
		}
	}
}

const precision = 600 // bits

// exactEffective is (1 - beta^n) / (1 - beta) as written, with so many bits that nothing is lost.
func exactEffective(n int, beta float64) *big.Float {
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }
	power, base := number(1), number(beta)
	for k := n; k > 0; k /= 2 {
		if k%2 == 1 {
			power.Mul(power, base)
		}
		base.Mul(base, base)
	}
	top, bottom := number(1), number(1)
	return top.Quo(top.Sub(top, power), bottom.Sub(bottom, number(beta)))
}

func exactWeights(counts []int, beta float64) []float64 {
	inverse := make([]*big.Float, len(counts))
	total := new(big.Float).SetPrec(precision)
	for c, n := range counts {
		one := new(big.Float).SetPrec(precision).SetInt64(1)
		inverse[c] = one.Quo(one, exactEffective(n, beta))
		total.Add(total, inverse[c])
	}
	weights := make([]float64, len(counts))
	for c, x := range inverse {
		x.Mul(x, big.NewFloat(float64(len(counts))))
		weights[c], _ = x.Quo(x, total).Float64()
	}
	return weights
}

// TestWeightsAgainstExactArithmetic takes the counts of three data sets, six imbalance factors and five betas.
func TestWeightsAgainstExactArithmetic(t *testing.T) {
	for _, set := range []struct{ classes, largest int }{{10, 5000}, {20, 2500}, {100, 500}} {
		for _, factor := range []float64{1, 10, 20, 50, 100, 200} {
			counts := make([]int, set.classes)
			for c := range counts {
				counts[c] = int(float64(set.largest) * math.Pow(1/factor, float64(c)/float64(set.classes-1)))
			}
			for _, beta := range []float64{0, .9, .99, .999, .9999} {
				got, sum := Weights(counts, beta), 0.0
				for c, want := range exactWeights(counts, beta) {
					near(t, fmt.Sprintf("%d classes, factor %v, beta %v, class %d", set.classes, factor, beta, c), got[c], want, 1e-12)
					sum += got[c]
				}
				near(t, "sum of the weights", sum, float64(set.classes), 1e-12)
			}
		}
	}
}

func TestEffectiveNumber(t *testing.T) {
	for _, c := range []struct {
		n    int
		beta float64
		want float64
	}{
		{0, 0, 0}, {0, .9, 0}, {0, .9999, 0},
		{1, 0, 1}, {1, .5, 1}, {1, .9999, 1}, {1, 1e-300, 1},
		{7, 0, 1}, {math.MaxInt, 0, 1},
		{2, .5, 1.5}, {3, .5, 1.75},
		{math.MaxInt, .5, 2}, {math.MaxInt, .75, 4},
		{5, 1 - 1.0/(1<<53), 5}, // beta next to 1: every sample is new
	} {
		near(t, fmt.Sprintf("E(%d) at beta %v", c.n, c.beta), EffectiveNumber(c.n, c.beta), c.want, 1e-14)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1_000_000).Draw(t, "n")
		beta := 1 - math.Pow(10, -rapid.Float64Range(.01, 6).Draw(t, "digits of beta"))
		want, _ := exactEffective(n, beta).Float64()
		if got := EffectiveNumber(n, beta); !(math.Abs(got-want) <= 1e-12*want) {
			t.Fatalf("E(%d) at beta %v is %.17g, want %.17g", n, beta, got, want)
		}
	})
}

// Each kind sums to the number of classes that have images, and is in the proportion that it is named for.
func TestKindsOfWeights(t *testing.T) {
	counts := []int{10_000_000, 400, 0, 1}
	for kind, of := range map[string]func(n float64) float64{
		Unweighted: func(float64) float64 { return 1 }, Inverse: func(n float64) float64 { return 1 / n },
		SqrtInverse: func(n float64) float64 { return 1 / math.Sqrt(n) },
		Effective:   func(n float64) float64 { return 1 / EffectiveNumber(int(n), 1-1e-14) },
	} {
		weights, err := WeightsOf(kind, counts, 1-1e-14)
		if err != nil {
			t.Fatal(err)
		}
		near(t, kind+": sum", weights[0]+weights[1]+weights[3], 3, 1e-12)
		near(t, kind+": first and last", weights[0]/weights[3], of(1e7)/of(1), 1e-12)
		if weights[2] != 0 {
			t.Errorf("%s: a class without images weighs %v", kind, weights[2])
		}
	}
	if _, err := WeightsOf("inverted", counts, 0); err == nil {
		t.Error("an unknown kind is accepted")
	}
}

func TestWeightsWithoutImages(t *testing.T) {
	for name, c := range map[string]struct {
		counts []int
		beta   float64
		want   []float64
	}{
		"an empty class":      {[]int{3, 0, 3}, .9, []float64{1, 0, 1}},
		"an empty class, 0":   {[]int{3, 0, 5}, 0, []float64{1, 0, 1}},
		"nothing but empty":   {[]int{0, 0}, .9, []float64{0, 0}},
		"no class":            {nil, .9, nil},
		"one class":           {[]int{17}, .99, []float64{1}},
		"one and two samples": {[]int{1, 2}, .5, []float64{1.2, .8}},
	} {
		got := Weights(c.counts, c.beta)
		if len(got) != len(c.want) {
			t.Fatalf("%s: %v, want %v", name, got, c.want)
		}
		for i := range got {
			near(t, name, got[i], c.want[i], 1e-14)
		}
	}
}

// near fails if got is further than tolerance from want, relative to want.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s: %.17g, want %.17g", what, got, want)
	}
}
