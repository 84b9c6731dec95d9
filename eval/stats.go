package eval

import (
	"fmt"
	"math"
	"slices"

	"longtail/internal/run"
)

// Stat is a mean over repeated runs.
type Stat struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"` // sample standard deviation (n - 1); 0 for a single value
	N         int     `json:"n"`
}

// NewStat is the mean and deviation of some values; without values N is 0 and the mean NaN.
func NewStat(values []float64) Stat {
	s := Stat{N: len(values)}
	for _, v := range values {
		s.Mean += v
	}
	s.Mean /= float64(s.N) // 0/0: NaN
	if s.N < 2 {
		return s
	}
	for _, v := range values {
		s.Deviation += (v - s.Mean) * (v - s.Mean)
	}
	s.Deviation = math.Sqrt(s.Deviation / float64(s.N-1))
	return s
}

// String is "29.64", "29.64 ± 0.21 (3)" for several values, or "" without any.
func (s Stat) String() string {
	switch s.N {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%.2f", s.Mean)
	default:
		return fmt.Sprintf("%.2f ± %.2f (%d)", s.Mean, s.Deviation, s.N)
	}
}

// Over is the statistic of a number of each run, leaving out runs that do not have it (NaN).
func Over(runs []*Run, of func(*Run) float64) Stat {
	var values []float64
	for _, r := range runs {
		if v := of(r); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return NewStat(values)
}

// Which says by which of its results a run is quoted.
type Which string

const (
	Last             Which = "last"               // at the end: what the paper quotes
	Best             Which = "best"               // at the epoch whose error was best on the test set: optimistic
	BestByValidation Which = "best_by_validation" // at the epoch whose error was best on held-out training images: honest
)

// Results are the values of Which.
func Results() []Which { return []Which{Last, Best, BestByValidation} }

// Result is the test result that the run is quoted by, nil where the run has none of that kind. It is the adjusted one where the run's
// config asked for a method after training.
func (r *Run) Result(w Which) *run.Result {
	last, best, byValidation := r.Summary.Quoted()
	switch w {
	case Best:
		return best
	case BestByValidation:
		return byValidation
	default:
		return last
	}
}

// AnyAdjusted reports whether a run among some is quoted after a method that its config asked for.
func AnyAdjusted(runs []*Run) bool {
	return slices.ContainsFunc(runs, func(r *Run) bool { return r.Summary.Adjusted != nil })
}

// Test is a metric of the run's test result in per cent, NaN where the run does not have it.
func (r *Run) Test(w Which, m Metric) float64 {
	result := r.Result(w)
	if result == nil {
		return math.NaN()
	}
	return m.Of(result)
}

// TestError is the run's test error in per cent, NaN where the run has no such result.
func (r *Run) TestError(w Which) float64 { return r.Test(w, ErrorRate) }

// ValidationError is the error in per cent on the held-out training images at the end, NaN where nothing was held out.
func (r *Run) ValidationError() float64 {
	if r.Summary.LastValidation == nil {
		return math.NaN()
	}
	return 100 * r.Summary.LastValidation.Error
}

// PartAccuracy is the mean accuracy in per cent of one of the parts of Shots or Thirds ("few", "tail") at the end; NaN where
// the part has no classes.
func (r *Run) PartAccuracy(name string) float64 {
	counts, perClass := r.Summary.Counts, r.Result(Last).PerClass
	for _, p := range append(Shots(counts, perClass), Thirds(counts, perClass)...) {
		if p.Name == name && p.Classes > 0 {
			return 100 * p.Accuracy
		}
	}
	return math.NaN()
}
