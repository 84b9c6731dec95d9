package tables

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"longtail/eval"
	"longtail/eval/evaltest"
	"longtail/eval/paper"
)

// By another metric than the error, no published number stands beside ours, and the best of a column is the largest or the smallest.
func TestTablesByAMetric(t *testing.T) {
	runs := load(t, protocolRun(evaltest.Spec{Error: 20}), protocolRun(evaltest.Spec{Loss: "focal", Gamma: 1, Beta: 0.9999, Error: 21}))
	column := slices.Index(lookup(t, "table2").Columns, paper.Column{Dataset: "cifar10", Imbalance: 100})
	for _, m := range []eval.Metric{eval.BalancedAccuracy, eval.GeometricMean, eval.MacroF1} {
		c := CompareAll(lookup(t, "table2"), runs, Options{Metric: m})[0]
		softmax, balanced := c.Rows[0].Entries[column], c.Rows[5].Entries[column]
		if softmax.Paper != "" || softmax.Difference != nil || balanced.PaperModel != nil {
			t.Errorf("%s: the paper's error stands beside it: %+v", m, softmax)
		}
		want := runs[1].Test(eval.Last, m)
		if runs[1].Summary.Loss != "softmax" {
			want = runs[0].Test(eval.Last, m)
		}
		if softmax.Ours == nil || math.Abs(softmax.Ours.Mean-want) > 1e-9 {
			t.Errorf("%s of softmax is %+v, want %v", m, softmax.Ours, want)
		}
		if softmax.OursBest != (softmax.Ours.Mean >= balanced.Ours.Mean) || balanced.OursBest != (balanced.Ours.Mean >= softmax.Ours.Mean) {
			t.Errorf("%s: %v and %v, marked %v and %v", m, softmax.Ours.Mean, balanced.Ours.Mean, softmax.OursBest, balanced.OursBest)
		}
		var b bytes.Buffer
		if err := PrintComparisons(&b, []Comparison{c}, Text, 0); err != nil {
			t.Fatal(err)
		}
		if out := b.String(); strings.Contains(out, "diff") || strings.Contains(out, "29.64") || !strings.Contains(out, "ours: "+m.Title()+" at the last step;") {
			t.Errorf("%s: the table is\n%s", m, out)
		}
	}
}

func TestGroupsHaveAllMetrics(t *testing.T) {
	runs := load(t, evaltest.Spec{Error: 20}, evaltest.Spec{Loss: "focal", Gamma: 1, Beta: 0.9999, Error: 25})
	ece := 0.25
	runs[0].Summary.Last.ECE = &ece
	g := eval.GroupRuns(runs)
	table := MetricsTable(g)
	if want := []string{"runs", "seeds", "test error", "balanced accuracy", "geometric mean of recalls", "macro F1", "calibration error (ECE)"}; !slices.Equal(table.Header, want) {
		t.Errorf("columns %q", table.Header)
	}
	for i, row := range table.Rows {
		first := row[2].Text == "20.00" || row[2].Best
		if row[2].Best != first || row[3].Best != row[2].Best { // the test set is balanced: its accuracy is the balanced one
			t.Errorf("row %d: %+v", i, row)
		}
	}
	if !slices.ContainsFunc(table.Rows, func(r []Cell) bool { return r[6].Text == "25.00" }) {
		t.Errorf("no calibration error in %v", table.Rows)
	}
	rows := Groups(g, eval.BalancedAccuracy)
	if rows[0].Metric != eval.BalancedAccuracy || rows[0].Last.Mean != rows[0].Metrics[1].Value.Mean || rows[0].Paper != "" {
		t.Errorf("by balanced accuracy: %+v", rows[0])
	}
	if table := GroupTable(g, eval.BalancedAccuracy); !strings.HasPrefix(table.Title, "Balanced accuracy and accuracy") || table.Rows[0][2].Best == table.Rows[1][2].Best {
		t.Errorf("the table is %+v", table)
	}
}

// A run whose config asks for a method is quoted after it, in a table or group of its own, and the notes say so.
func TestAdjustedRunsAreQuotedAfterTheirMethod(t *testing.T) {
	const note = "runs with eval.adjust, eval.tau_norm or eval.ncm: after that method"
	plain := load(t, protocolRun(evaltest.Spec{Error: 30}))
	runs := append(load(t, protocolRun(evaltest.Spec{Error: 30, Adjusted: 24, Validation: 20, Sealed: true})), plain...)
	rows := Groups(eval.GroupRuns(runs), eval.ErrorRate)
	if len(rows) != 2 || rows[0].Label == rows[1].Label {
		t.Fatalf("groups %+v", rows)
	}
	seen := 0
	for _, r := range rows {
		if r.Adjusted == "" {
			continue
		}
		seen++
		if r.Adjusted != "adjust" || r.Label != "adjust 1" || r.Last.Mean >= 26 || r.Best.Mean >= r.Last.Mean || r.BestByValidation == nil || r.Paper != "" {
			t.Errorf("the adjusted run is %+v", r)
		}
	}
	if seen != 1 {
		t.Errorf("%d rows are adjusted", seen)
	}
	all := CompareAll(lookup(t, "table2"), runs, Options{})
	if len(all) != 2 || !all[1].Adjusted || all[0].Adjusted || !slices.ContainsFunc(all[1].Deviations, func(d string) bool { return d == "eval.adjust 1 (paper none)" }) {
		t.Fatalf("tables: %+v", all)
	}
	for _, tables := range [][]Table{{GroupTable(eval.GroupRuns(runs), "")}, {MetricsTable(eval.GroupRuns(runs))}, all[1].Tables()} {
		if !slices.ContainsFunc(tables[0].Notes, func(n string) bool { return strings.HasPrefix(n, note) }) {
			t.Errorf("%s: no note in %q", tables[0].Title, tables[0].Notes)
		}
	}
	if notes := GroupTable(eval.GroupRuns(plain), "").Notes; slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, note) }) {
		t.Errorf("a plain run has the note %q", notes)
	}
}
