package tables

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"

	"longtail/eval"
	"longtail/eval/paper"
)

// Options say what a comparison quotes and how its gaps are filled.
type Options struct {
	Which   eval.Which                                 // which test result of a run is quoted; empty is the last one
	Metric  eval.Metric                                // which number of it; empty is the error, which alone has published numbers
	Command func(c paper.Column, m paper.Model) string // the command that fills a gap; nil for none
	Sweep   string                                     // one command for all gaps; empty for none
}

// Entry is one number of the paper beside ours.
type Entry struct {
	Paper      json.Number  `json:"paper,omitempty"` // error in per cent as published; empty where there is none, and beside other metrics
	Ours       *eval.Stat   `json:"ours"`            // the metric in per cent over seeds; null is a gap
	Difference *float64     `json:"difference"`      // ours minus paper, points; null where one is missing
	PaperBest  bool         `json:"paper_best"`      // the best of its column
	OursBest   bool         `json:"ours_best"`
	PaperModel *paper.Model `json:"paper_model,omitempty"` // the model behind a "best class-balanced" entry
	OursModel  *paper.Model `json:"ours_model,omitempty"`
	HeldOut    *eval.Stat   `json:"held_out,omitempty"`   // error in per cent on held-out images, which chose the model
	Candidates int          `json:"candidates,omitempty"` // class-balanced models with runs, among which ours was chosen
	Command    string       `json:"command,omitempty"`    // that fills the gap
}

// Row is one line of a comparison.
type Row struct {
	Label   string       `json:"label"`
	Model   *paper.Model `json:"model,omitempty"`  // a fixed model
	Choice  string       `json:"choice,omitempty"` // "test" or "held-out": how a best class-balanced model was chosen
	Entries []Entry      `json:"entries"`          // [columns]
}

// Comparison is a table of the paper with our runs of one setting in it.
type Comparison struct {
	Name       string         `json:"name"`
	Title      string         `json:"title"`
	Quoted     eval.Which     `json:"quoted"`
	Metric     eval.Metric    `json:"metric"`
	Adjusted   bool           `json:"adjusted,omitempty"` // runs are quoted after the methods that their configs asked for
	Setting    string         `json:"setting,omitempty"`  // what sets these runs apart from those of the other tables
	Deviations []string       `json:"deviations"`         // of the runs' setting from the paper's protocol
	Columns    []paper.Column `json:"columns"`
	Rows       []Row          `json:"rows"`
	Gaps       int            `json:"gaps"`  // cells of fixed models without a run
	Cells      int            `json:"cells"` // cells of fixed models
	Sweep      string         `json:"sweep,omitempty"`
	Others     string         `json:"others,omitempty"` // on runs that are in no cell
}

// Compare puts runs into a table of the paper. Runs that belong to none of its cells are left out; see Unplaced.
func Compare(g *paper.Grid, s Setting, o Options) Comparison {
	o.Which, o.Metric = cmp.Or(o.Which, eval.Last), cmp.Or(o.Metric, eval.ErrorRate)
	c := Comparison{Name: g.Name, Title: g.Title, Quoted: o.Which, Metric: o.Metric, Adjusted: eval.AnyAdjusted(s.Runs), Setting: s.Label, Deviations: s.Deviations, Columns: g.Columns, Sweep: o.Sweep}
	if !c.published() {
		c.Title = o.Metric.Heading() + " (%) of the runs"
	}
	for _, r := range g.Rows {
		if r.Best == nil {
			c.Rows = append(c.Rows, c.modelRow(r, s.Runs, o))
		}
	}
	c.Rows = append(c.Rows, c.bestRow(s.Runs), c.heldOutRow(s.Runs))
	c.markBest()
	return c
}

// published reports whether the paper's numbers are of the same metric.
func (c *Comparison) published() bool { return c.Metric == eval.ErrorRate }

func cellRuns(runs []*eval.Run, col paper.Column, m paper.Model) []*eval.Run {
	var found []*eval.Run
	for _, r := range runs {
		if r.Column() == col && r.Model() == m {
			found = append(found, r)
		}
	}
	return found
}

func (c *Comparison) modelRow(r paper.Row, runs []*eval.Run, o Options) Row {
	m := r.Model
	row := Row{Label: r.Label, Model: &m}
	for i, col := range c.Columns {
		e := Entry{}
		if i < len(r.Cells) && c.published() {
			e.Paper = json.Number(r.Cells[i].Text)
		}
		e.setOurs(c.test(cellRuns(runs, col, m)))
		c.Cells++
		if e.Ours == nil {
			c.Gaps++
			if o.Command != nil {
				e.Command = o.Command(col, m)
			}
		}
		row.Entries = append(row.Entries, e)
	}
	return row
}

// test is the quoted number over runs.
func (c *Comparison) test(runs []*eval.Run) eval.Stat {
	return eval.Over(runs, func(r *eval.Run) float64 { return r.Test(c.Quoted, c.Metric) })
}

func (e *Entry) setOurs(s eval.Stat) {
	if s.N == 0 {
		return
	}
	e.Ours = &s
	if p, err := e.Paper.Float64(); err == nil {
		d := s.Mean - p
		e.Difference = &d
	}
}

// candidates are the models among which the best class-balanced one is chosen: on balanced data all weights are one, so that
// there the plain ones count too, as in the paper.
func candidates(runs []*eval.Run, col paper.Column) []paper.Model {
	var models []paper.Model
	for _, r := range runs {
		m := r.Model()
		if r.Column() == col && (m.Balanced() || col.Imbalance == 1) && !slices.Contains(models, m) {
			models = append(models, m)
		}
	}
	return models
}

// choose gives the model with the best mean of a metric; n is the number of models that have it.
func choose(runs []*eval.Run, col paper.Column, metric eval.Metric, of func([]*eval.Run) eval.Stat) (best paper.Model, stat eval.Stat, n int) {
	for _, m := range candidates(runs, col) {
		s := of(cellRuns(runs, col, m))
		if s.N == 0 {
			continue
		}
		n++
		if n == 1 || metric.Cost(s.Mean) < metric.Cost(stat.Mean) {
			best, stat = m, s
		}
	}
	return best, stat, n
}

// bestRow is the best class-balanced model of each column, chosen on the test set as the paper did.
func (c *Comparison) bestRow(runs []*eval.Run) Row {
	row := Row{Label: "CB, best on test", Choice: "test"}
	for _, col := range c.Columns {
		e := Entry{}
		if cell, m, ok := paperBest(col); ok && c.published() {
			e.Paper, e.PaperModel = json.Number(cell.Text), &m
		}
		m, s, n := choose(runs, col, c.Metric, c.test)
		if n > 0 {
			e.OursModel, e.Candidates = &m, n
		}
		e.setOurs(s)
		row.Entries = append(row.Entries, e)
	}
	return row
}

// paperBest is the published best class-balanced model of a column, of all that the paper has and not only of those in a
// table: Table 2's own row, or the smallest cell of a figure.
func paperBest(col paper.Column) (best paper.Cell, m paper.Model, ok bool) {
	if table, err := paper.Lookup(defaultGrid); err == nil {
		for _, r := range table.Rows {
			if i := slices.Index(table.Columns, col); i >= 0 && r.Best != nil {
				return r.Cells[i], r.Best[i], true
			}
		}
	}
	for _, candidate := range paper.Models() {
		cell, found := paper.Find(col, candidate)
		if found && candidate.Balanced() && (!ok || cell.Error < best.Error) {
			best, m, ok = cell, candidate, true
		}
	}
	return best, m, ok
}

// heldOutRow is the best class-balanced model of each column, chosen by the error on held-out training images and quoted on the test set.
func (c *Comparison) heldOutRow(runs []*eval.Run) Row {
	row := Row{Label: "CB, best on held-out", Choice: "held-out"}
	for _, col := range c.Columns {
		e := Entry{}
		m, held, n := choose(runs, col, eval.ErrorRate, func(rs []*eval.Run) eval.Stat { return eval.Over(rs, (*eval.Run).ValidationError) })
		if n > 0 {
			e.OursModel, e.Candidates, e.HeldOut = &m, n, &held
			e.setOurs(c.test(cellRuns(runs, col, m)))
		}
		row.Entries = append(row.Entries, e)
	}
	return row
}

// markBest marks the best of each column, paper and ours apart; equal ones are all marked.
func (c *Comparison) markBest() {
	for i := range c.Columns {
		minPaper, minOurs := math.Inf(1), math.Inf(1)
		each := func(f func(e *Entry, p, ours float64)) {
			for _, r := range c.Rows {
				e := &r.Entries[i]
				p, ours := math.NaN(), math.NaN()
				if v, err := e.Paper.Float64(); err == nil {
					p = v
				}
				if e.Ours != nil {
					ours = c.Metric.Cost(e.Ours.Mean)
				}
				f(e, p, ours)
			}
		}
		each(func(e *Entry, p, ours float64) {
			if p < minPaper {
				minPaper = p
			}
			if ours < minOurs {
				minOurs = ours
			}
		})
		each(func(e *Entry, p, ours float64) { e.PaperBest, e.OursBest = p == minPaper, ours == minOurs })
	}
}

// CompareAll puts runs into a table of the paper, one for each setting: the one that is nearest to the paper's protocol has
// the whole table, the others only the columns in which they have runs. Runs that belong to no cell come last in a table of
// their own. Without runs it is the paper's table alone.
func CompareAll(g *paper.Grid, runs []*eval.Run, o Options) []Comparison {
	other := Unplaced(g, runs)
	placed := slices.DeleteFunc(slices.Clone(runs), func(r *eval.Run) bool { return slices.Contains(other, r) })
	var all []Comparison
	for i, s := range Settings(placed) {
		if i == 0 {
			all = append(all, Compare(g, s, o))
		} else {
			all = append(all, Compare(withRuns(g, s.Runs), s, Options{Which: o.Which, Metric: o.Metric}))
		}
	}
	if len(all) == 0 && (len(other) == 0 || g.Name != defaultGrid) {
		all = append(all, Compare(g, Setting{}, o))
	}
	for _, s := range Settings(other) {
		all = append(all, Compare(Found(s.Runs), s, Options{Which: o.Which, Metric: o.Metric}))
	}
	return all
}

// defaultGrid is the table where none was asked for by name; it is left out where all runs are of other data.
const defaultGrid = "table2"

// withRuns is a grid with only those columns in which there are runs.
func withRuns(g *paper.Grid, runs []*eval.Run) *paper.Grid {
	out := &paper.Grid{Name: g.Name, Title: g.Title}
	for i, col := range g.Columns {
		if !slices.ContainsFunc(runs, func(r *eval.Run) bool { return r.Column() == col }) {
			continue
		}
		out.Columns = append(out.Columns, col)
		for j, r := range g.Rows {
			if len(out.Rows) == j {
				out.Rows = append(out.Rows, paper.Row{Label: r.Label, Model: r.Model})
			}
			row := &out.Rows[j]
			row.Cells = append(row.Cells, r.Cells[i])
			if r.Best != nil {
				row.Best = append(row.Best, r.Best[i])
			}
		}
	}
	return out
}

// Unplaced are the runs that belong to no cell of a grid.
func Unplaced(g *paper.Grid, runs []*eval.Run) []*eval.Run {
	var left []*eval.Run
	for _, r := range runs {
		in := slices.Contains(g.Columns, r.Column())
		fixed := slices.ContainsFunc(g.Rows, func(row paper.Row) bool { return row.Best == nil && row.Model == r.Model() })
		if !in || !fixed && !slices.Contains(paper.Models(), r.Model()) {
			left = append(left, r)
		}
	}
	return left
}

// Found is a grid of what the runs have: their models by their data sets and factors, with the published numbers where the
// paper has them.
func Found(runs []*eval.Run) *paper.Grid {
	g := &paper.Grid{Name: "runs", Title: "Error (%) of the runs found"}
	var models []paper.Model
	for _, group := range eval.GroupRuns(runs).Groups {
		r := group.Runs[0]
		if !slices.Contains(g.Columns, r.Column()) {
			g.Columns = append(g.Columns, r.Column())
		}
		if !slices.Contains(models, r.Model()) {
			models = append(models, r.Model())
		}
	}
	return FillGrid(g, models)
}

// FillGrid gives a grid with columns one row for each model, with the published numbers where there are any.
func FillGrid(g *paper.Grid, models []paper.Model) *paper.Grid {
	for _, m := range models {
		row := paper.Row{Label: m.String(), Model: m}
		for _, col := range g.Columns {
			cell, ok := paper.Find(col, m)
			if !ok {
				cell = paper.Cell{Error: math.NaN()}
			}
			row.Cells = append(row.Cells, cell)
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}
