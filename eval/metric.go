package eval

import (
	"math"
	"strings"

	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/run"
)

// Metric is a number that a result is quoted by; see package metrics for the formulas.
type Metric string

const (
	ErrorRate        Metric = "error"    // over all images, the paper's: the only one that has published numbers beside it
	BalancedAccuracy Metric = "balanced" // mean recall of the classes
	GeometricMean    Metric = "gmean"    // of the recalls
	MacroF1          Metric = "macro_f1" // mean F1 of the classes
	CalibrationError Metric = "ece"      // expected, over 15 bins of the top probability
)

// Metrics are the values of Metric, the error first.
func Metrics() []Metric {
	return []Metric{ErrorRate, BalancedAccuracy, GeometricMean, MacroF1, CalibrationError}
}

// ParseMetric finds a metric by name, the error by an empty one. An unknown name is a usage error.
func ParseMetric(name string) (Metric, error) {
	var names []string
	for _, m := range Metrics() {
		if name == string(m) {
			return m, nil
		}
		names = append(names, string(m))
	}
	if name == "" {
		return ErrorRate, nil
	}
	return "", fail.Usage("--metric %s: no such metric\nchoose one of %s", name, strings.Join(names, ", "))
}

// Of is the metric of a result in per cent, NaN where the result does not have it: runs that ended before calibration was recorded.
func (m Metric) Of(r *run.Result) float64 {
	switch m {
	case BalancedAccuracy:
		return 100 * metrics.BalancedAccuracy(r.Tally())
	case GeometricMean:
		return 100 * metrics.GeometricMean(r.Tally())
	case MacroF1:
		return 100 * metrics.MacroF1(r.Tally())
	case CalibrationError:
		if r.ECE == nil {
			return math.NaN()
		}
		return 100 * *r.ECE
	default:
		return 100 * r.Error
	}
}

// SmallIsGood reports whether the smaller of two numbers is the better one.
func (m Metric) SmallIsGood() bool { return m == ErrorRate || m == CalibrationError || m == "" }

// Cost is a number that is small where the metric is good.
func (m Metric) Cost(value float64) float64 {
	if m.SmallIsGood() {
		return value
	}
	return -value
}

// Title is the metric in words, for a heading: "test error", "balanced accuracy".
func (m Metric) Title() string {
	switch m {
	case BalancedAccuracy:
		return "balanced accuracy"
	case GeometricMean:
		return "geometric mean of recalls"
	case MacroF1:
		return "macro F1"
	case CalibrationError:
		return "calibration error (ECE)"
	default:
		return "test error"
	}
}

// Heading is the title with a capital letter.
func (m Metric) Heading() string {
	title := m.Title()
	return strings.ToUpper(title[:1]) + title[1:]
}
