package tables

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/eval"
	"longtail/eval/evaltest"
)

const methodsSweep = `
base: {train.epochs: 8}
rows:
  softmax:
  class-balanced softmax: {loss.beta: 0.9999}
  something else: {train.lr: 0.2}
grid:
  data.imbalance: [100, 50]
  seed: [0, 1]
table: gallery
`

func mustLoadMethods(t *testing.T, text string) *Methods {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sweep.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	e, err := LoadExperiment(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.Methods
}

func TestRunsComeIntoTheCellsOfTheirMethod(t *testing.T) {
	m, dir := mustLoadMethods(t, methodsSweep), t.TempDir()
	for _, s := range []evaltest.Spec{
		{Seed: 0}, {Seed: 1}, // softmax at 100
		{Imbalance: 50, Beta: 0.9999},
		{Loss: "focal", Gamma: 1}, // no row
	} {
		if _, err := evaltest.Write(dir, s); err != nil {
			t.Fatal(err)
		}
	}
	set, err := eval.Load(dir)
	if err != nil || len(set.Runs) != 4 {
		t.Fatal(err, set)
	}
	c := m.Compare(set.Runs, Options{})
	for _, want := range []struct {
		row, column int
		paper       string
		runs        int
	}{{0, 0, "28.05", 2}, {0, 1, "23.55", 0}, {1, 0, "29.52", 0}, {1, 1, "22.52", 1}, {2, 0, "", 0}} {
		e, runs := c.Rows[want.row].Entries[want.column], 0
		if e.Ours != nil {
			runs = e.Ours.N
		}
		if e.Paper.String() != want.paper || runs != want.runs {
			t.Errorf("row %d, column %d: published %q and %d runs, want %+v", want.row, want.column, e.Paper, runs, want)
		}
	}
	if c.Gaps != 4 || c.Cells != 6 {
		t.Errorf("%d gaps of %d cells, want 4 of 6", c.Gaps, c.Cells)
	}
	if len(c.Deviations) != 1 || c.Deviations[0] != "train.epochs 8 (published: 200)" {
		t.Errorf("a schedule of 8 epochs is not remarked on: %v", c.Deviations)
	}
	if own := m.Compare(set.Runs, Options{Metric: eval.BalancedAccuracy}); len(own.Deviations) != 0 {
		t.Errorf("a table without published numbers deviates from them: %v", own.Deviations)
	}
	if !strings.Contains(c.Others, "1 of the runs") || !strings.Contains(c.Others, "loss.name (softmax there, focal here)") {
		t.Errorf("others: %s", c.Others)
	}
}

func TestMethodsOfAnUnknownTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sweep.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(methodsSweep, "table: gallery", "table: table2", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadExperiment(path, nil); err == nil || !strings.Contains(err.Error(), `no published table "table2"`) {
		t.Errorf("%v", err)
	}
	if m := mustLoadMethods(t, strings.Replace(methodsSweep, "table: gallery", "", 1)); m.Published != nil {
		t.Error("a published table that the file does not name")
	}
}
