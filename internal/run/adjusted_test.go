package run

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"longtail/internal/metrics"
)

// testdata/sealed_before.json was sealed by a program that knew neither calibration errors nor adjusted results.
func TestEarlierSealsHold(t *testing.T) {
	text, err := os.ReadFile("testdata/sealed_before.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSummary(text)
	if err != nil {
		t.Fatal(err)
	}
	if last, _, _ := s.Quoted(); s.Adjusted != nil || s.Last.ECE != nil || last != &s.Last {
		t.Errorf("it is read as %+v", s)
	}
	forged := strings.Replace(string(text), `"loss": 0.5625,`, `"loss": 0.5625, "ece": 0.1,`, 1)
	if _, err := parseSummary([]byte(forged)); err == nil || !strings.Contains(err.Error(), "its seal does not fit") {
		t.Errorf("with a calibration error put in: %v", err)
	}
}

// adjusted is a sealed result with one after a method.
func adjusted(t *testing.T) Summary {
	t.Helper()
	ece, tau, heldOut := 0.25, 1.5, 0.75
	r := NewResult(1, 5, metrics.FromFlat([]int64{3, 1, 2, 2}, 2), 2, 4.5)
	r.ECE = &ece
	a := AdjustedResult{&tau, &heldOut, NewResult(1, 5, metrics.FromFlat([]int64{2, 2, 0, 4}, 2), 2, 4)}
	s := Summary{
		Version: SummaryVersion, Steps: 5, ClassNames: []string{"a", "b"}, Counts: []int{5, 1}, TestCounts: []int{4, 4},
		Last: r, Best: r, Adjusted: &Adjusted{Method: "adjust", Auto: true, Last: a, Best: a}, Seal: &Seal{},
	}
	var err error
	if s.Seal.Summary, err = s.hash(); err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t *testing.T, s Summary) []byte {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealsCoverAdjustedResultsAndCalibration(t *testing.T) {
	good := adjusted(t)
	s, err := parseSummary(text(t, good))
	if err != nil {
		t.Fatal(err)
	}
	last, best, byValidation := s.Quoted()
	if last.Accuracy != 0.75 || best.Accuracy != 0.75 || byValidation != nil || *s.Adjusted.Last.Tau != 1.5 || *s.Last.ECE != 0.25 {
		t.Errorf("read as %+v", s)
	}
	for name, forge := range map[string]func(*Summary){
		"tau":      func(s *Summary) { *s.Adjusted.Last.Tau = 1 },
		"held-out": func(s *Summary) { *s.Adjusted.Best.HeldOut = 1 },
		"loss":     func(s *Summary) { s.Adjusted.Last.Loss = 0 },
		"ece":      func(s *Summary) { *s.Last.ECE = 0 },
		"removed":  func(s *Summary) { s.Adjusted = nil },
	} {
		s := adjusted(t)
		forge(&s)
		if _, err := parseSummary(text(t, s)); err == nil || !strings.Contains(err.Error(), "its seal does not fit") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is sealed anew must still agree with itself.
func TestAdjustedResultsMustAgreeWithThePlainOnes(t *testing.T) {
	for want, forge := range map[string]func(*Summary){
		"adjusted: last: error is 0.5, the confusion":              func(s *Summary) { s.Adjusted.Last.Error = 0.5 },
		"adjusted: best: step 4, the plain result is of step 5":    func(s *Summary) { s.Adjusted.Best.Step = 4 },
		"adjusted: last: tau is -1":                                func(s *Summary) { *s.Adjusted.Last.Tau = -1 },
		"adjusted: best_by_validation is in one of the two":        func(s *Summary) { s.Adjusted.BestByValidation = &s.Adjusted.Last },
		`adjusted: "" is no method`:                                func(s *Summary) { s.Adjusted.Method = "" },
		"ece is 1.5, a calibration error is from 0 to 1":           func(s *Summary) { *s.Last.ECE = 1.5 },
		"adjusted: last: confusion: class 0 has 5 test images, te": func(s *Summary) { s.Adjusted.Last.Confusion[0][0]++ },
	} {
		s := adjusted(t)
		forge(&s)
		var err error
		if s.Seal.Summary, err = s.hash(); err != nil {
			t.Fatal(err)
		}
		if _, err := parseSummary(text(t, s)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}
