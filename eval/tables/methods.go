package tables

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"longtail/data"
	"longtail/eval"
	"longtail/eval/paper"
	"longtail/internal/config"
	"longtail/internal/config/grid"
)

// Methods is a table whose rows are the named methods of a sweep's file. A run belongs to a cell where it computes what the file's run of
// that cell does, seeds aside.
type Methods struct {
	Path      string
	Published *paper.Gallery // nil where the file names none
	Rows      []string       // labels
	Columns   []paper.Column
	cells     map[methodCell]*config.Config // of any seed
}

type methodCell struct {
	row    string
	column paper.Column
}

// newMethods is the table of a sweep with rows.
func newMethods(path string, g *grid.Grid, published *paper.Gallery) *Methods {
	m := &Methods{Path: path, Published: published, Rows: g.Rows, cells: map[methodCell]*config.Config{}}
	for _, r := range g.Runs {
		column := columnOf(r.Config)
		if !slices.Contains(m.Columns, column) {
			m.Columns = append(m.Columns, column)
		}
		if cell := (methodCell{r.Row, column}); m.cells[cell] == nil {
			m.cells[cell] = r.Config
		}
	}
	return m
}

// columnOf is the data set of a config.
func columnOf(c *config.Config) paper.Column {
	column := paper.Column{Dataset: data.Title(c.Data.Dataset), Imbalance: float64(c.Data.Imbalance)}
	if c.Data.Profile != "exp" {
		column.Profile = c.Data.Profile
	}
	return column
}

// PublishedOnly is a published table without runs.
func PublishedOnly(g *paper.Gallery) Comparison {
	m := &Methods{Published: g, Columns: g.Columns}
	for _, r := range g.Rows {
		m.Rows = append(m.Rows, r.Label)
	}
	return m.Compare(nil, Options{})
}

// Compare puts runs into the table.
func (m *Methods) Compare(runs []*eval.Run, o Options) Comparison {
	o.Which, o.Metric = cmp.Or(o.Which, eval.Last), cmp.Or(o.Metric, eval.ErrorRate)
	c := Comparison{Name: "methods", Title: "Error (%) of the methods of " + filepath.Base(m.Path), Quoted: o.Which, Metric: o.Metric, Adjusted: eval.AnyAdjusted(runs), Columns: m.Columns, Sweep: o.Sweep}
	if m.Published != nil {
		c.Name, c.Title = m.Published.Name, m.Published.Title
	}
	if !c.published() {
		c.Title = o.Metric.Heading() + " (%) of the methods of " + filepath.Base(m.Path)
	} else if m.Published != nil {
		c.Deviations = m.deviations()
	}
	placed := map[*eval.Run]bool{}
	for _, label := range m.Rows {
		row := Row{Label: label}
		for _, column := range m.Columns {
			row.Entries = append(row.Entries, m.entry(methodCell{label, column}, runs, placed, o, &c))
		}
		c.Rows = append(c.Rows, row)
	}
	c.markBest()
	c.Others = m.others(slices.DeleteFunc(slices.Clone(runs), func(r *eval.Run) bool { return placed[r] }))
	return c
}

// deviations are the settings of the file's first stages that are not those of the published numbers, which are of one network,
// batch size and length, those of config.Defaults, unless they have a protocol of their own.
func (m *Methods) deviations() (all []string) {
	if m.Published.OwnProtocol {
		if m.Path == "" {
			return nil
		}
		return []string{"schedule, batch size and crops are those of " + filepath.Base(m.Path) + ", not the published ones"}
	}
	published := config.Defaults()
	for _, key := range []string{"model.name", "train.epochs", "train.batch"} {
		for _, row := range m.Rows {
			for _, column := range m.Columns {
				c := m.cells[methodCell{row, column}]
				if c == nil || c.Train.InitFrom != "" || c.Text(key) == published.Text(key) {
					continue
				}
				if text := fmt.Sprintf("%s %s (published: %s)", key, c.Text(key), published.Text(key)); !slices.Contains(all, text) {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// entry fills one cell.
func (m *Methods) entry(cell methodCell, runs []*eval.Run, placed map[*eval.Run]bool, o Options, c *Comparison) Entry {
	e := Entry{}
	if m.Published != nil && c.published() {
		if published, ok := m.Published.Cell(cell.row, cell.column); ok {
			e.Paper = json.Number(published.Text)
		}
	}
	want := m.cells[cell]
	if want == nil {
		return e
	}
	var mine []*eval.Run
	for _, r := range runs {
		if len(unlike(want, r.Config)) == 0 {
			mine, placed[r] = append(mine, r), true
		}
	}
	e.setOurs(c.test(mine))
	c.Cells++
	if e.Ours == nil {
		c.Gaps++
		e.Command = o.Sweep
	}
	return e
}

// unlike are the keys in which a run computes another thing than a cell's, seeds, places and how often it is tested aside.
func unlike(want, have *config.Config) (keys []string) {
	for _, key := range config.Keys() {
		switch role := config.RoleOf(key); {
		case key == "precision" || role != config.Experiment && role != config.Source:
		case compared(want.Text(key), role) != compared(have.Text(key), role):
			keys = append(keys, key)
		}
	}
	return keys
}

// seedAtEnd is how the name of a run's folder ends.
var seedAtEnd = regexp.MustCompile(`-s[0-9]+(-[^/]*)?$`)

// compared is a value as two runs compare it: of a file or folder the name counts, not where it lies, and not the seed in it.
func compared(value string, role config.Role) string {
	if role != config.Source || value == "" {
		return value
	}
	return seedAtEnd.ReplaceAllString(filepath.Base(value), "$1")
}

// others says which runs are in no cell, and why the first is not.
func (m *Methods) others(runs []*eval.Run) string {
	if len(runs) == 0 || len(m.cells) == 0 {
		return ""
	}
	var near []string
	var label string
	for _, row := range m.Rows {
		for _, column := range m.Columns {
			want := m.cells[methodCell{row, column}]
			if want == nil {
				continue
			}
			if keys := unlike(want, runs[0].Config); near == nil || len(keys) < len(near) {
				near, label = keys, row
				for i, key := range near {
					near[i] = fmt.Sprintf("%s (%s there, %s here)", key, orNone(want.Text(key)), orNone(runs[0].Config.Text(key)))
				}
			}
		}
	}
	return fmt.Sprintf("%d of the runs are in no cell. %s is nearest to the row %s and differs in %s.", len(runs), runs[0].Name(), label, strings.Join(near, ", "))
}

func orNone(text string) string {
	if text == "" {
		return "unset"
	}
	return text
}
