package eval_test

import (
	"math"
	"testing"

	"longtail/eval"
	"longtail/internal/fail"
	"longtail/internal/metrics"
	"longtail/internal/run"
)

func TestMetricsOfAResult(t *testing.T) {
	ece := 0.125
	r := run.NewResult(1, 1, metrics.FromFlat([]int64{8, 2, 5, 5}, 2), 2, 0)
	for m, want := range map[eval.Metric]float64{
		eval.ErrorRate: 35, eval.BalancedAccuracy: 65, eval.GeometricMean: 100 * math.Sqrt(0.4), eval.MacroF1: 100 * (16.0/23 + 10.0/17) / 2,
	} {
		if got := m.Of(&r); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", m, got, want)
		}
	}
	if got := eval.CalibrationError.Of(&r); !math.IsNaN(got) {
		t.Errorf("a result without calibration has %v", got)
	}
	if r.ECE = &ece; eval.CalibrationError.Of(&r) != 12.5 {
		t.Errorf("the calibration error is %v", eval.CalibrationError.Of(&r))
	}
}

func TestMetricsHaveNames(t *testing.T) {
	titles := map[string]bool{}
	for _, m := range eval.Metrics() {
		if got, err := eval.ParseMetric(string(m)); err != nil || got != m {
			t.Errorf("%s is read as %s, %v", m, got, err)
		}
		if titles[m.Title()] {
			t.Errorf("two metrics are called %s", m.Title())
		}
		titles[m.Title()] = true
		if good := m.Cost(1) < m.Cost(2); good != m.SmallIsGood() {
			t.Errorf("%s: 1 costs %v, 2 costs %v", m, m.Cost(1), m.Cost(2))
		}
	}
	if m, err := eval.ParseMetric(""); err != nil || m != eval.ErrorRate {
		t.Errorf("no name is %s, %v", m, err)
	}
	if _, err := eval.ParseMetric("auc"); fail.Code(err) != fail.CodeUsage {
		t.Errorf("an unknown metric gives %v", err)
	}
}
