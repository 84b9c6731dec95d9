package train

import (
	"encoding/json"
	"maps"
	"testing"

	"longtail/internal/device"
	"longtail/internal/metrics"
)

// Totals of few classes are written as the matrix that they always were, those of many as cells; both come back.
func TestTotalsOfFewAndOfManyClasses(t *testing.T) {
	for classes, want := range map[int]string{
		2:                 `{"loss":1.5,"confusion":[0,3,0,1]}`,
		metrics.Dense + 1: `{"loss":1.5,"classes":1025,"cells":[[0,1,3],[1,1,1]]}`,
	} {
		totals := newTotals(classes)
		totals.add(device.Sums{Loss: 1.5, Confusion: metrics.Counts{{Label: 0, Predicted: 1}: 3, {Label: 1, Predicted: 1}: 1}})
		text, err := json.Marshal(totals)
		if err != nil || string(text) != want {
			t.Errorf("%d classes: %s, %v; want %s", classes, text, err, want)
		}
		var back Totals
		if err := json.Unmarshal(text, &back); err != nil || back.Classes != classes || back.Loss != 1.5 || !maps.Equal(back.Confusion, totals.Confusion) || back.samples() != 4 {
			t.Errorf("%s came back as %+v, %v", text, back, err)
		}
	}
}

func TestWrongTotalsAreRefused(t *testing.T) {
	for _, text := range []string{
		`{"loss":1}`, `{"loss":1,"confusion":[1,2,3]}`, `{"loss":1,"confusion":[1,2,3,-4]}`, `{"loss":1,"confusion":[1,2,3,4],"classes":2}`,
		`{"loss":1,"classes":2,"cells":[[2,0,1]]}`, `{"loss":1,"classes":-1}`, `{"loss":1,"confusion":[1],"more":2}`,
	} {
		var totals Totals
		if err := json.Unmarshal([]byte(text), &totals); err == nil {
			t.Errorf("%s is taken as %+v", text, totals)
		}
	}
}
