package posthoc

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"longtail/internal/fail"
)

// The cases of testdata/rules.json were computed by an independent program in float64.
func TestRulesEqualGoldenValues(t *testing.T) {
	text, err := os.ReadFile("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Rule string
		Options    struct {
			Tau      float64
			KeepBias bool `json:"keep_bias"`
		}
		Counts                                 []int
		Bias                                   []float64
		Classifier, Features, Logits, Expected [][]float64
		Tolerance                              [2]float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, c := range cases {
		var got [][]float64
		switch c.Rule {
		case "tau_norm":
			got = TauNorm(c.Classifier, c.Bias, c.Features, c.Options.Tau, c.Options.KeepBias)
		case "posthoc":
			got = PostHoc(c.Logits, c.Counts, c.Options.Tau)
		default:
			t.Fatalf("%s: no rule %s", c.Name, c.Rule)
		}
		seen[c.Rule]++
		if len(got) != len(c.Expected) {
			t.Fatalf("%s: %d rows, want %d", c.Name, len(got), len(c.Expected))
		}
		for i, row := range c.Expected {
			for k, want := range row {
				if !(math.Abs(got[i][k]-want) <= 1e-9*math.Abs(want)+1e-9) {
					t.Errorf("%s: [%d][%d] is %v, want %v", c.Name, i, k, got[i][k], want)
				}
			}
		}
	}
	if seen["tau_norm"] != 2 || seen["posthoc"] != 2 {
		t.Errorf("saw %v", seen)
	}
}

func TestEdgesOfTheRules(t *testing.T) {
	z := TauNorm([][]float64{{0, 0}, {3, 4}}, []float64{1, 2}, [][]float64{{1, 1}}, 1, false)[0]
	if z[0] != 0 || math.Abs(z[1]-1.4) > 1e-15 {
		t.Errorf("a row of zeros and one of length 5 give %v, want [0 1.4]", z)
	}
	z = TauNorm([][]float64{{1, 2}, {3, 4}}, []float64{1, 2}, [][]float64{{1, 1}}, 0, true)[0]
	if z[0] != 4 || z[1] != 9 {
		t.Errorf("tau 0 with the bias gives %v, want the plain layer, [4 9]", z)
	}
	z = PostHoc([][]float64{{0, 0, 0}}, []int{99, 1, 0}, 1)[0]
	if z[1] != z[2] || !(z[1] > z[0]) || math.IsInf(z[2], 0) {
		t.Errorf("counts of 99, 1 and 0 give %v", z)
	}
}

// Worked out by hand. The mean of the training features is (1, 0), so that u is (-1, 0) and (1, 0) of class 0, (0, 1) and (0, -1) of class
// 1 and (1, 0) of class 2; the class means are (0, 0), (0, 0) and (1, 0), and class 3 has none.
func TestNearestClassMeanByHand(t *testing.T) {
	training := [][]float64{{0, 0}, {1.5, 0}, {1, 3}, {1, -3}, {1.5, 0}}
	labels := []int32{0, 0, 1, 1, 2}
	scores := NearestClassMean(training, labels, 4, [][]float64{{7, 0}, {1, 8}, {1, 0}})
	for i, want := range [][]float64{{-1, -1, 0}, {-1, -1, -2}, {0, 0, -1}} {
		for c, w := range want {
			if math.Abs(scores[i][c]-w) > 1e-12 {
				t.Errorf("image %d, class %d: %v, want %v", i, c, scores[i][c], w)
			}
		}
		if !math.IsInf(scores[i][3], -1) {
			t.Errorf("image %d: a class without images has %v", i, scores[i][3])
		}
	}
}

// Two frequent and one rare class on a line of logits: without an adjustment the rare one is never predicted.
func TestChooseTakesTheBestTauOnHeldOutImages(t *testing.T) {
	n := &Network{
		Counts:  []int{100, 10, 1},
		HeldOut: &Outputs{Logits: [][]float64{{3, 0, 0}, {3, 0, 0}, {2, 1, 0}, {2, 0, 0}}, Labels: []int32{0, 0, 1, 2}},
	}
	// Against class 0, class 1 gains 2.3 tau and class 2 gains 4.6 tau: {2, 0, 0} is class 2 from tau 0.5 on, {3, 0, 0} is class 0 up to 0.6,
	// and {2, 1, 0} goes from class 0 to class 2 at 0.5.
	chosen, accuracy := n.Choose(Adjustment{Method: Adjust, Auto: true})
	if chosen.Tau != 0.5 || chosen.Auto || math.Abs(accuracy-2.0/3) > 1e-12 {
		t.Errorf("chose %+v with %v", chosen, accuracy)
	}
	// Images of class 0 alone, which are right for every tau up to 0.6: the smallest is taken.
	n.HeldOut = &Outputs{Logits: [][]float64{{3, 0, 0}}, Labels: []int32{0}}
	if chosen, accuracy := n.Choose(Adjustment{Method: Adjust, Auto: true}); chosen.Tau != 0 || accuracy != 1 {
		t.Errorf("of equal ones, chose %+v with %v", chosen, accuracy)
	}
}

func TestScoresOfEachMethod(t *testing.T) {
	o := &Outputs{Features: [][]float64{{1, 0}, {0, 1}}, Logits: [][]float64{{1, 2}, {3, 4}}, Labels: []int32{0, 1}}
	n := &Network{Counts: []int{3, 1}, Classifier: [][]float64{{2, 0}, {0, 4}}, Training: o}
	for _, c := range []struct {
		a    Adjustment
		want float64 // of the second image and class
		text string
	}{
		{Adjustment{Method: Adjust, Tau: 2}, 4 + 2*math.Log(4), "adjust=2"},
		{Adjustment{Method: Normalise, Tau: 0.5}, 2, "tau_norm=0.5"},
		{Adjustment{Method: NCM}, 0, "ncm"},
	} {
		if got := n.Scores(c.a, o)[1][1]; math.Abs(got-c.want) > 1e-12 || c.a.String() != c.text {
			t.Errorf("%v: %v, want %v", c.a, got, c.want)
		}
	}
	if got := (Adjustment{Method: Normalise, Auto: true}).String(); got != "tau_norm=auto" {
		t.Errorf("a tau to choose is written %s", got)
	}
}

func TestTausAreNumbersOrAuto(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "1": 1, "1.5": 1.5, "1e-2": 0.01} {
		if tau, auto, err := ParseTau(text); err != nil || auto || tau != want {
			t.Errorf("%s: %v, %v, %v", text, tau, auto, err)
		}
	}
	if _, auto, err := ParseTau("auto"); err != nil || !auto {
		t.Errorf("auto: %v, %v", auto, err)
	}
	for _, text := range []string{"", "-1", "nan", "inf", "101", "0x1p2", "1_0", "Auto", "1,5"} {
		if _, _, err := ParseTau(text); fail.Code(err) != fail.CodeUsage {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
}

func TestCountsAndLossOfScores(t *testing.T) {
	scores, labels := [][]float64{{0, 0}, {1, 3}, {1e4, -1e4}}, []int32{1, 1, 0}
	if got := Confusion(scores, labels); !slices.Equal(got.Flat(2), []int64{1, 0, 1, 1}) {
		t.Errorf("confusion %v", got)
	}
	if got, want := CrossEntropy(scores, labels), math.Ln2+math.Log1p(math.Exp(-2)); math.Abs(got-want) > 1e-12 {
		t.Errorf("cross-entropy %v, want %v", got, want)
	}
}
