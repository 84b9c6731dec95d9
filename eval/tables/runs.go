package tables

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"longtail/data"
	"longtail/eval"
	"longtail/eval/paper"
)

// GroupRow is one line of the table that compares groups of runs; all numbers are in per cent, null where the runs do not have
// them.
type GroupRow struct {
	Label            string            `json:"label"`
	Values           map[string]string `json:"values"` // of what differs
	Seeds            int               `json:"seeds"`  // runs in the group
	Metric           eval.Metric       `json:"metric"` // of the three results below
	Last             *eval.Stat        `json:"last"`
	Best             *eval.Stat        `json:"best"`
	BestByValidation *eval.Stat        `json:"best_by_validation"`
	Paper            json.Number       `json:"paper,omitempty"`
	Parts            []PartRow         `json:"parts"`
	Metrics          []MetricRow       `json:"metrics"`            // all of them, at the last step
	Adjusted         string            `json:"adjusted,omitempty"` // the method after training that all these numbers come after
	Runs             []string          `json:"runs"`               // folders
}

// PartRow is the accuracy on some of the classes.
type PartRow struct {
	Name     string     `json:"name"`
	Accuracy *eval.Stat `json:"accuracy"`
}

// MetricRow is one metric at the last step.
type MetricRow struct {
	Name  eval.Metric `json:"name"`
	Value *eval.Stat  `json:"value"`
}

var partNames = []string{"many", "medium", "few", "head", "middle", "tail"}

// Groups computes the lines of a grouping by a metric, empty for the error. The published error stands beside groups whose data,
// profile and network are the paper's.
func Groups(g eval.Grouping, m eval.Metric) []GroupRow {
	m = cmp.Or(m, eval.ErrorRate)
	var rows []GroupRow
	for _, group := range g.Groups {
		row := GroupRow{Label: group.Label, Values: map[string]string{}, Seeds: len(group.Runs), Metric: m}
		for i, k := range g.Varying {
			row.Values[k] = group.Values[i]
		}
		stat := func(of func(*eval.Run) float64) *eval.Stat {
			if s := eval.Over(group.Runs, of); s.N > 0 {
				return &s
			}
			return nil
		}
		quote := func(w eval.Which) *eval.Stat { return stat(func(r *eval.Run) float64 { return r.Test(w, m) }) }
		row.Last, row.Best, row.BestByValidation = quote(eval.Last), quote(eval.Best), quote(eval.BestByValidation)
		for _, name := range partNames {
			row.Parts = append(row.Parts, PartRow{name, stat(func(r *eval.Run) float64 { return r.PartAccuracy(name) })})
		}
		for _, m := range eval.Metrics() {
			row.Metrics = append(row.Metrics, MetricRow{m, stat(func(r *eval.Run) float64 { return r.Test(eval.Last, m) })})
		}
		for _, r := range group.Runs {
			row.Runs = append(row.Runs, r.Dir)
		}
		first := group.Runs[0]
		if a := first.Summary.Adjusted; a != nil {
			row.Adjusted = a.Method
		}
		if cell, ok := paper.Find(first.Column(), first.Model()); ok && m == eval.ErrorRate && len(settingOf(first).Deviations) == 0 {
			row.Paper = json.Number(cell.Text)
		}
		rows = append(rows, row)
	}
	return rows
}

// GroupTable lays the lines out by a metric, empty for the error; the best of each column is marked where there is a choice.
func GroupTable(g eval.Grouping, m eval.Metric) Table {
	m = cmp.Or(m, eval.ErrorRate)
	t := Table{
		Title:  m.Heading() + " and accuracy (%), mean±deviation",
		Spans:  []Span{{"", 1}, {" " + m.Title() + " ", 4}, {" accuracy by training images ", 3}, {" accuracy by rank ", 3}},
		Header: append([]string{"runs", "seeds", "last", "best", "held-out", "paper"}, partNames...),
		Notes: []string{
			"last: at the last step, as the paper quotes. best: at the epoch that was best on the test set, optimistic. held-out: at the epoch that was best on held-out training images.",
			fmt.Sprintf("many, medium, few: classes with more than %d, %d to %d, fewer than %d training images. head, middle, tail: thirds of the classes by training images.",
				eval.ManyAbove, eval.FewBelow, eval.ManyAbove, eval.FewBelow),
		},
	}
	if g.Adjusted() {
		t.Notes = append(t.Notes, adjustedNote)
	}
	var stats [][]*eval.Stat
	for _, r := range Groups(g, m) {
		stats = append(stats, r.stats())
		t.addRow(r, r.stats())
	}
	for column := range len(t.Header) - 2 {
		t.markColumn(stats, column, column < 4 && m.SmallIsGood())
	}
	return t.withoutEmpty()
}

// MetricsTable is all metrics of the groups at the last step; the best of each column is marked where there is a choice.
func MetricsTable(g eval.Grouping) Table {
	t := Table{
		Title: "Test set, last step (%), mean±deviation", Header: []string{"runs", "seeds"},
		Notes: []string{
			"balanced accuracy: mean recall of the classes with test images. geometric mean of recalls: 0 where a class is never recognised. macro F1: mean F1 of the classes.",
			"calibration error: of the top softmax probability, 15 bins of equal width (Guo et al. 2017).",
		},
	}
	if g.Adjusted() {
		t.Notes = append(t.Notes, adjustedNote)
	}
	var stats [][]*eval.Stat
	for _, r := range Groups(g, eval.ErrorRate) {
		var values []*eval.Stat
		for _, m := range r.Metrics {
			values = append(values, m.Value)
		}
		stats = append(stats, values)
		t.addRow(r, values)
	}
	for i, m := range eval.Metrics() {
		t.Header = append(t.Header, m.Title())
		t.markColumn(stats, i, m.SmallIsGood())
	}
	return t.withoutEmpty()
}

// adjustedNote stands below tables with adjusted results.
const adjustedNote = "runs with eval.adjust, eval.tau_norm or eval.ncm: after that method; best and held-out epochs are those of the plain results."

// addRow adds a line: the group's name, its seeds and its numbers.
func (t *Table) addRow(r GroupRow, stats []*eval.Stat) {
	cells := plain(r.Label, strconv.Itoa(r.Seeds))
	for _, s := range stats {
		cells = append(cells, Cell{Text: short(s)})
	}
	t.Rows = append(t.Rows, cells)
}

// withoutEmpty drops the columns in which every cell is a gap.
func (t Table) withoutEmpty() Table {
	return t.without(func(i int) bool {
		return i > 0 && !slices.ContainsFunc(t.Rows, func(r []Cell) bool { return r[i].Text != gap })
	})
}

// without drops columns, and spans that lose all of theirs.
func (t Table) without(gone func(column int) bool) Table {
	out := Table{Title: t.Title, Notes: t.Notes, Rows: make([][]Cell, len(t.Rows))}
	spanOf := []int{-1}
	for i, s := range t.Spans {
		spanOf = append(spanOf, slices.Repeat([]int{i}, s.Columns)...)
	}
	last := -1
	for i, h := range t.Header {
		if gone(i) {
			continue
		}
		out.Header = append(out.Header, h)
		for j, r := range t.Rows {
			out.Rows[j] = append(out.Rows[j], r[i])
		}
		if len(t.Spans) == 0 {
			continue
		}
		switch s := spanOf[i]; {
		case s < 0:
		case s == last:
			out.Spans[len(out.Spans)-1].Columns++
		default:
			out.Spans, last = append(out.Spans, Span{t.Spans[s].Text, 1}), s
		}
	}
	return out
}

// stats are a line's numbers in the order of the columns after the seeds; the paper's stands among them.
func (r GroupRow) stats() []*eval.Stat {
	all := []*eval.Stat{r.Last, r.Best, r.BestByValidation, nil}
	if v, err := r.Paper.Float64(); err == nil {
		all[3] = &eval.Stat{Mean: v, N: 1}
	}
	for _, p := range r.Parts {
		all = append(all, p.Accuracy)
	}
	return all
}

// short is a number without its count, which has a column of its own.
func short(s *eval.Stat) string {
	switch {
	case s == nil:
		return gap
	case s.N < 2:
		return fmt.Sprintf("%.2f", s.Mean)
	default:
		return fmt.Sprintf("%.2f±%.2f", s.Mean, s.Deviation)
	}
}

// markColumn marks the best of a column of numbers [rows][columns], which stands behind the labels and the seeds.
func (t Table) markColumn(stats [][]*eval.Stat, column int, smallIsGood bool) {
	sign := -1.0
	if smallIsGood {
		sign = 1
	}
	best, have := math.Inf(1), 0
	for _, row := range stats {
		if s := row[column]; s != nil {
			best = min(best, sign*s.Mean)
			have++
		}
	}
	if have < 2 {
		return
	}
	for i, row := range stats {
		s := row[column]
		t.Rows[i][column+2].Best = s != nil && sign*s.Mean == best
	}
}

// PrintGroups writes a grouping in any format by a metric, empty for the error.
func PrintGroups(w io.Writer, g eval.Grouping, m eval.Metric, f Format, width int) error {
	if f != JSON {
		return Print(w, []Table{GroupTable(g, m)}, f, width)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(Groups(g, m)); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// PerClassTable is the accuracy of each class of one result beside its training images, from most to fewest.
func PerClassTable(r *eval.Run) Table {
	s, last := r.Summary, r.Result(eval.Last)
	t := Table{Title: "Accuracy of each class (%)", Header: []string{"class", "training images", "accuracy"}}
	for _, c := range data.ByFrequency(s.Counts) {
		t.Rows = append(t.Rows, plain(eval.ClassName(s.ClassNames, c), strconv.Itoa(s.Counts[c]), fmt.Sprintf("%.1f", 100*last.PerClass[c])))
	}
	return t
}
