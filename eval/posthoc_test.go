package eval

import (
	"math"
	"testing"
)

func TestTauNormalize(t *testing.T) {
	rows := [][]float64{{3, 4}, {0, 0}, {0, -2}}
	for tau, want := range map[float64][][]float64{
		0: {{3, 4}, {0, 0}, {0, -2}}, 1: {{0.6, 0.8}, {0, 0}, {0, -1}}, 0.5: {{3 / math.Sqrt(5), 4 / math.Sqrt(5)}, {0, 0}, {0, -math.Sqrt2}},
	} {
		for c, row := range TauNormalize(rows, tau) {
			for i, v := range row {
				if math.Abs(v-want[c][i]) > 1e-12 {
					t.Errorf("tau %v, row %d: %v, want %v", tau, c, row, want[c])
				}
			}
		}
	}
	if rows[0][0] != 3 {
		t.Error("the classifier was changed")
	}
}

func TestLogitsAndTheirAdjustment(t *testing.T) {
	logits := Logits([][]float64{{1, 2}}, [][]float64{{3, 4}, {5, 6}, {0, 0}}, []float64{0.5, 0, -1})
	if want := []float64{11.5, 17, -1}; logits[0][0] != want[0] || logits[0][1] != want[1] || logits[0][2] != want[2] {
		t.Errorf("%v, want %v", logits, want)
	}
	adjusted := AdjustLogits(logits, []int{30, 10, 0}, 2)
	for c, want := range []float64{11.5 - 2*math.Log(.75), 17 - 2*math.Log(.25), -1} {
		if math.Abs(adjusted[0][c]-want) > 1e-12 {
			t.Errorf("class %d: %v, want %v", c, adjusted[0][c], want)
		}
	}
}
