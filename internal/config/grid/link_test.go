package grid

import (
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/fail"
)

func TestRowsStartFromRowsWithTheSameOtherKeys(t *testing.T) {
	g := mustParse(t, small+`
rows:
  cRT: {train: {init_from: softmax, fresh: classifier}}
  softmax:
  other: {train.init_from: runs/elsewhere}
grid:
  data.imbalance: [10, 5]
  seed: [0, 1]
`, "out=there")
	for i, r := range g.Runs {
		after, from := "", ""
		switch r.Row {
		case "cRT":
			after = strings.Replace(r.Name, "crt", "softmax", 1)
			from = filepath.Join("there", after)
			if g.Runs[i+4].Name != after {
				t.Errorf("%s is not the run 4 behind %s", after, r.Name)
			}
		case "other":
			from = "runs/elsewhere"
		}
		if r.After != after || r.Config.Train.InitFrom != from {
			t.Errorf("%s comes after %q and starts from %q, want %q and %q", r.Name, r.After, r.Config.Train.InitFrom, after, from)
		}
	}
}

func TestRowsThatWaitForEachOther(t *testing.T) {
	for _, rows := range []string{
		"{a: {train.init_from: a}}",
		"{a: {train.init_from: b}, b: {train.init_from: c}, c: {train.init_from: a}}",
	} {
		_, err := parse([]byte(small+"  data.imbalance: 2\nrows: "+rows), "sweep.yaml", nil)
		if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "back to it") {
			t.Errorf("%s: %v", rows, err)
		}
	}
}
