package mix

import (
	"math"

	"longtail/internal/rng"
)

// alpha is the option of the rules that draw their factor from Beta(alpha, alpha): 1 is the uniform distribution, larger values are
// nearer to 1/2, smaller ones nearer to 0 and 1.
var alpha = Option{Name: "alpha", Default: 1, Min: 0.001, Max: 1000, Doc: "parameter of the factor's beta distribution"}

// beta is a variate of Beta(a, a), x / (x + y) of two gamma variates x, y of shape a. Their logarithms are drawn, because variates of a small
// shape are too small for a float64.
func beta(s *rng.Stream, a float64) float64 {
	x := logGamma(s, a)
	return 1 / (1 + math.Exp(logGamma(s, a)-x))
}

// logGamma is the logarithm of a variate of the gamma distribution of a shape, by the rejection of Marsaglia and Tsang ("A Simple Method
// for Generating Gamma Variables", ACM Transactions on Mathematical Software, 2000). A shape a below 1 is that of a + 1 times u^(1/a), u
// uniform (the note at the end of the paper). Each trial takes a Norm and a Float64 of the stream, the boost a Float64 before them.
func logGamma(s *rng.Stream, shape float64) float64 {
	boost := 0.0
	if shape < 1 {
		boost = math.Log(1-s.Float64()) / shape
		shape++
	}
	d := shape - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := s.Norm()
		u := 1 - s.Float64() // in (0, 1]
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(u) < x*x/2+d-d*v+d*math.Log(v) {
			return math.Log(d*v) + boost
		}
	}
}
