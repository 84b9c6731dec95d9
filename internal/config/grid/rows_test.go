package grid

import (
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
)

const withRows = small + `
rows:
  softmax:
  CB focal: {loss: {name: focal, beta: 0.9}}
  slow: {train.lr: 0.01}
grid:
  data.imbalance: [10, 5]
  seed: [0, 1]
`

func TestRowsAreTheFirstAxis(t *testing.T) {
	g := mustParse(t, withRows)
	want := []string{
		"synthetic10-if10-resnet8-softmax-s0", "synthetic10-if10-resnet8-softmax-s1", "synthetic10-if5-resnet8-softmax-s0", "synthetic10-if5-resnet8-softmax-s1",
		"synthetic10-if10-resnet8-cb-focal-s0", "synthetic10-if10-resnet8-cb-focal-s1", "synthetic10-if5-resnet8-cb-focal-s0", "synthetic10-if5-resnet8-cb-focal-s1",
		"synthetic10-if10-resnet8-slow-s0", "synthetic10-if10-resnet8-slow-s1", "synthetic10-if5-resnet8-slow-s0", "synthetic10-if5-resnet8-slow-s1",
	}
	if got := namesOf(g); !slices.Equal(got, want) {
		t.Errorf("runs\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := []string{"softmax", "CB focal", "slow"}; !slices.Equal(g.Rows, want) {
		t.Errorf("rows %v, want %v", g.Rows, want)
	}
	r := g.Runs[5]
	if c := r.Config; r.Row != "CB focal" || c.Loss.Name != "focal" || c.Loss.Beta != 0.9 || c.Data.Imbalance != 10 || c.Seed != 1 || c.Train.LR != 0.1 {
		t.Errorf("row %q:\n%s", r.Row, c.YAML())
	}
}

func TestRowsAloneAreASweep(t *testing.T) {
	g := mustParse(t, small+"  data.imbalance: 2\nrows: {a: {}, b: {loss.name: focal}}", "train.epochs=2")
	want := []string{"synthetic10-if2-resnet8-a-s0-epochs2", "synthetic10-if2-resnet8-b-s0-epochs2"}
	if got := namesOf(g); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestMistakesInRows(t *testing.T) {
	for name, c := range map[string]struct{ rows, want string }{
		"no map":        {"rows: [a]", "sweep.yaml:6:7: rows is lines"},
		"row no map":    {"rows: {a: 3}", "sweep.yaml:6:11: the row a is a config"},
		"unknown key":   {"rows:\n  a: {loss.nam: x}", `did you mean "loss.name"`},
		"unknown value": {"rows:\n  a: {loss.name: fokal}", `did you mean "focal"`},
		"twice":         {"rows: {a: {}, a: {}}", "a is given twice"},
		"same folder":   {"rows: {CB focal: {}, cb-focal: {}}", `the labels "CB focal" and "cb-focal"`},
		"no word":       {"rows: {\"?\": {}}", "names no folder"},
		"out":           {"rows: {a: {out: x}}", "the row a sets out"},
		"seed":          {"rows: {a: {seed: 3}}", "the row a sets seed"},
		"in the grid":   {"rows: {a: {loss.name: focal}}\ngrid: {loss: [{name: softmax}]}", "and so does the grid (sweep.yaml:7:8)"},
		"incomplete":    {"rows: {a: {train.milestones: [0.1, 0.2, 0.3]}}", "row a: sweep.yaml:6:30"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(small+c.rows), "sweep.yaml", nil)
			if fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
