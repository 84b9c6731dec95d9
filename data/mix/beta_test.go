package mix

import (
	"math"
	"slices"
	"testing"

	"longtail/internal/rng"
)

// The variates have the distribution's known cumulative function: the largest distance of the empirical one from it is below the bound
// that a right generator exceeds once in a thousand seeds (Kolmogorov and Smirnov).
func TestBetaHasItsDistribution(t *testing.T) {
	const n = 40_000
	for alpha, cumulative := range map[float64]func(x float64) float64{
		0.5: func(x float64) float64 { return 2 / math.Pi * math.Asin(math.Sqrt(x)) },
		1:   func(x float64) float64 { return x },
		2:   func(x float64) float64 { return x * x * (3 - 2*x) },
		3:   func(x float64) float64 { return x * x * x * (10 - 15*x + 6*x*x) },
	} {
		s := rng.New(4, rng.Mix, 0, 0)
		all := make([]float64, n)
		for i := range all {
			all[i] = beta(s, alpha)
		}
		slices.Sort(all)
		worst := 0.0
		for i, x := range all {
			worst = max(worst, math.Abs(cumulative(x)-float64(i)/n), math.Abs(cumulative(x)-float64(i+1)/n))
		}
		if bound := 1.95 / math.Sqrt(n); worst > bound {
			t.Errorf("alpha %v: the distance is %.4f, at most %.4f is likely", alpha, worst, bound)
		}
	}
}

// Mean 1/2 and variance 1 / (4 (2 alpha + 1)), within five standard errors, over one variate of each of many steps, as a run draws them.
func TestFactorsOfStepsHaveTheMoments(t *testing.T) {
	const n = 20_000
	for _, alpha := range []float64{0.05, 0.2, 0.8, 1, 1.5, 8, 200} {
		sum, square, fourth := 0.0, 0.0, 0.0
		for step := range n {
			d := float64((&Batch{set(9), nil, uint32(step)}).Factor(alpha)) - 0.5
			sum, square, fourth = sum+d, square+d*d, fourth+d*d*d*d
		}
		mean, variance := sum/n, square/n
		want := 1 / (4 * (2*alpha + 1))
		if math.Abs(mean) > 5*math.Sqrt(want/n) || math.Abs(variance-want) > 5*math.Sqrt((fourth/n-variance*variance)/n) {
			t.Errorf("alpha %v: mean %.5f, variance %.5f, want 0.5 and %.5f", alpha, 0.5+mean, variance, want)
		}
	}
}

// At the smallest alpha gamma variates are far below what a float64 holds; factors are 0 or 1, half of each.
func TestFactorsOfTheSmallestAlpha(t *testing.T) {
	ones := 0
	for step := range 1000 {
		switch l := (&Batch{set(2), nil, uint32(step)}).Factor(alpha.Min); {
		case l != l || l < 0 || l > 1:
			t.Fatalf("step %d: %v", step, l)
		case l > 0.99:
			ones++
		}
	}
	if ones < 440 || ones > 560 {
		t.Errorf("%d of 1000 factors are 1", ones)
	}
}
