package metrics

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// The expected numbers are worked out by hand: recalls, then TP, FP, FN of each class.
func TestNumbersOfAConfusionMatrix(t *testing.T) {
	for name, c := range map[string]struct {
		confusion            [][]int64
		balanced, g, macroF1 float64
	}{
		"three classes": {
			[][]int64{{8, 1, 1}, {2, 2, 0}, {1, 0, 1}},
			(0.8 + 0.5 + 0.5) / 3, math.Cbrt(0.2), (16.0/21 + 4.0/7 + 2.0/4) / 3,
		},
		"a class that is never right": {
			[][]int64{{3, 0, 1}, {0, 5, 0}, {2, 0, 0}},
			(0.75 + 1 + 0) / 3, 0, (6.0/9 + 1 + 0) / 3,
		},
		"a class without samples that is predicted": {
			[][]int64{{4, 0, 0}, {0, 3, 1}, {0, 0, 0}},
			(1 + 0.75) / 2, math.Sqrt(0.75), (1 + 6.0/7 + 0) / 3,
		},
		"a class without samples that is not predicted": {
			[][]int64{{4, 0, 0}, {1, 3, 0}, {0, 0, 0}},
			(1 + 0.75) / 2, math.Sqrt(0.75), (8.0/9 + 6.0/7) / 2,
		},
		"no samples": {[][]int64{{0, 0}, {0, 0}}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			near(t, "balanced accuracy", BalancedAccuracy(TallyOf(c.confusion)), c.balanced)
			near(t, "geometric mean", GeometricMean(TallyOf(c.confusion)), c.g)
			near(t, "macro F1", MacroF1(TallyOf(c.confusion)), c.macroF1)
		})
	}
}

// Against F1 from precision and recall, and the mean inequality.
func TestNumbersAgreeWithTheirDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.IntRange(2, 6).Draw(t, "classes")
		confusion := make([][]int64, classes)
		for c := range confusion {
			confusion[c] = rapid.SliceOfN(rapid.Int64Range(0, 20), classes, classes).Draw(t, "row")
			confusion[c][c]++ // every class has a hit, so that precision and recall are defined
		}
		f1 := 0.0
		for c := range confusion {
			truth, predicted := 0.0, 0.0
			for k := range confusion {
				truth += float64(confusion[c][k])
				predicted += float64(confusion[k][c])
			}
			p, r := float64(confusion[c][c])/predicted, float64(confusion[c][c])/truth
			f1 += 2 * p * r / (p + r) / float64(classes)
		}
		if got := MacroF1(TallyOf(confusion)); math.Abs(got-f1) > 1e-12 {
			t.Errorf("macro F1 is %v, want %v", got, f1)
		}
		if g, b := GeometricMean(TallyOf(confusion)), BalancedAccuracy(TallyOf(confusion)); g > b+1e-12 || g <= 0 {
			t.Errorf("the geometric mean is %v, the arithmetic one %v", g, b)
		}
	})
}

// logits gives two classes the probabilities p and 1 - p.
func logits(p float64) []float64 { return []float64{math.Log(p), math.Log(1 - p)} }

func TestCalibrationErrorByHand(t *testing.T) {
	var c Calibration
	near(t, "the error without images", c.Error(), 0)
	c.Add(logits(0.9), 0)   // bin 14, (13/15, 14/15]: right
	c.Add(logits(0.92), 1)  // bin 14: wrong
	c.Add(logits(0.55), 0)  // bin 9, (8/15, 9/15]: right
	c.Add(logits(0.999), 0) // bin 15: right
	c.Add(logits(0.3), 1)   // class 1 with 0.7, bin 11: right
	want := (math.Abs(1-1.82) + math.Abs(1-0.55) + math.Abs(1-0.999) + math.Abs(1-0.7)) / 5
	near(t, "the error", c.Error(), want)
}

func TestCalibrationOfExtremeLogits(t *testing.T) {
	var c Calibration
	c.Add([]float64{1e4, -1e4, 0}, 0)     // certain and right
	c.Add([]float64{-1e4, 1e4, 1e4}, 1)   // two that are equal: the first is predicted with 1/2
	c.Add([]float64{0, 0, 0, 0, 0, 0}, 3) // 1/6 on class 0: wrong
	near(t, "the error", c.Error(), (0+0.5+1.0/6)/3)
}

func TestFirstLargestScoreIsPredicted(t *testing.T) {
	if got := Argmax([]float64{1, 3, 3, math.Inf(-1)}); got != 1 {
		t.Errorf("predicts %d, want 1", got)
	}
}
