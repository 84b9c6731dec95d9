package run

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"longtail/internal/metrics"
)

// A result of more than metrics.Dense classes has cells in place of a matrix, with the same numbers.
func TestResultOfManyClasses(t *testing.T) {
	const classes = metrics.Dense + 1
	counts := metrics.Counts{{Label: 0, Predicted: 0}: 2, {Label: 7, Predicted: 1000}: 1, {Label: 1024, Predicted: 1024}: 1}
	r := NewResult(1, 10, counts, classes, 2)
	if r.Error != 0.25 || r.Loss != 0.5 || r.PerClass[0] != 1 || r.PerClass[7] != 0 || r.Confusion != nil {
		t.Errorf("%v %v %v", r.Error, r.Loss, r.Cells)
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"cells":[[0,0,2],[7,1000,1],[1024,1024,1]]`) || strings.Contains(string(text), "confusion") {
		t.Errorf("%v in %d bytes", err, len(text))
	}
	tests := make([]int, classes)
	tests[0], tests[7], tests[1024] = 2, 1, 1
	if err := r.check(tests); err != nil {
		t.Error(err)
	}
	if a, b := r.Tally(), counts.Tally(classes); !slices.Equal(a.Hits, b.Hits) || !slices.Equal(a.Predicted, b.Predicted) {
		t.Error("another tally")
	}
	for name, spoil := range map[string]func(*Result){
		"no cells":       func(r *Result) { r.Cells = nil },
		"order":          func(r *Result) { r.Cells[0], r.Cells[1] = r.Cells[1], r.Cells[0] },
		"another count":  func(r *Result) { r.Cells[1][2]++ },
		"half a matrix":  func(r *Result) { r.Confusion = [][]int64{make([]int64, classes)} },
		"too few shares": func(r *Result) { r.PerClass = r.PerClass[1:] },
	} {
		spoiled := r
		spoiled.Cells = slices.Clone(r.Cells)
		spoil(&spoiled)
		if spoiled.check(tests) == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}
