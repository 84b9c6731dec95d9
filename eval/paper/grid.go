package paper

import (
	"embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed *.csv
var files embed.FS

// Column is a long-tailed data set.
type Column struct {
	Dataset   string  `json:"dataset"`   // its name in data.Names
	Imbalance float64 `json:"imbalance"` // factor, 1 is balanced

	Profile string `json:"profile,omitempty"` // "step" in a Gallery; empty for the paper's, exponential
}

// Cell is one published number.
type Cell struct {
	Text  string  // as published
	Error float64 // per cent
}

// Row is one model over all columns, or the best class-balanced model of each column.
type Row struct {
	Label string
	Model Model   // when Best is nil
	Best  []Model // [columns] the winner of each column, when the row is "the best class-balanced model"
	Cells []Cell  // [columns]
}

// Grid is a table or a heat map of the paper.
type Grid struct {
	Name    string // table2, figure8, figure9, figure10
	Title   string
	Columns []Column
	Rows    []Row
}

type source struct{ file, title, dataset string }

var sources = map[string]source{
	"table2":   {"table2.csv", "Table 2: error (%) of ResNet-32 on long-tailed CIFAR-10 and CIFAR-100", ""},
	"figure8":  {"figure8_cifar10.csv", "Figure 8: error (%) of 25 models on long-tailed CIFAR-10", "cifar10"},
	"figure9":  {"figure9_cifar20.csv", "Figure 9: error (%) of 25 models on long-tailed CIFAR-20", "cifar20"},
	"figure10": {"figure10_cifar100.csv", "Figure 10: error (%) of 25 models on long-tailed CIFAR-100", "cifar100"},
}

// Names are the grids that Lookup knows.
func Names() []string { return []string{"table2", "figure8", "figure9", "figure10"} }

// Lookup gives a grid by its name; an unknown name is an error that lists the known ones.
func Lookup(name string) (*Grid, error) {
	s, ok := sources[name]
	if !ok {
		return nil, fmt.Errorf("no table or figure %q of the paper; there are %s", name, strings.Join(Names(), ", "))
	}
	records, err := read(s.file)
	if err != nil {
		return nil, err
	}
	g := &Grid{Name: name, Title: s.title}
	if s.dataset == "" {
		return g, g.table2(records)
	}
	return g, g.figure(records, s.dataset)
}

// Find is the published error of a model on a data set, from the figures and Table 2; ok is false where there is none.
// On balanced data (imbalance 1) all weights are one, so that any beta finds the plain model.
func Find(c Column, m Model) (cell Cell, ok bool) {
	if c.Imbalance == 1 {
		m = m.Plain()
	}
	for _, name := range Names() {
		g, err := Lookup(name)
		if err != nil {
			return Cell{}, false
		}
		i := slices.Index(g.Columns, c)
		j := slices.IndexFunc(g.Rows, func(r Row) bool { return r.Best == nil && r.Model == m })
		if i >= 0 && j >= 0 {
			return g.Rows[j].Cells[i], true
		}
	}
	return Cell{}, false
}

func read(name string) ([][]string, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the embedded %s: %w", name, err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the embedded %s: %w", name, err)
	}
	return records, nil
}

func parseCells(texts []string) ([]Cell, error) {
	cells := make([]Cell, len(texts))
	for i, t := range texts {
		v, err := strconv.ParseFloat(t, 64)
		if err != nil {
			return nil, fmt.Errorf("error rate %q: %w", t, err)
		}
		cells[i] = Cell{t, v}
	}
	return cells, nil
}

func (g *Grid) figure(records [][]string, dataset string) error {
	for _, h := range records[0][1:] {
		f, err := strconv.ParseFloat(h, 64)
		if err != nil {
			return fmt.Errorf("imbalance factor %q: %w", h, err)
		}
		g.Columns = append(g.Columns, Column{Dataset: dataset, Imbalance: f})
	}
	for _, r := range records[1:] {
		m, err := ParseCode(r[0])
		if err != nil {
			return err
		}
		cells, err := parseCells(r[1:])
		if err != nil {
			return err
		}
		g.Rows = append(g.Rows, Row{Label: m.String(), Model: m, Cells: cells})
	}
	return nil
}

func (g *Grid) table2(records [][]string) error {
	for _, h := range records[0][1:] { // c10_200, ...
		column, err := parseColumn(h)
		if err != nil {
			return err
		}
		g.Columns = append(g.Columns, column)
	}
	plain := PlainModels()
	for i, r := range records[1 : 1+len(plain)] {
		cells, err := parseCells(r[1:])
		if err != nil {
			return err
		}
		g.Rows = append(g.Rows, Row{Label: plain[i].String(), Model: plain[i], Cells: cells})
	}
	last := records[1+len(plain):] // class-balanced and its loss, beta and gamma
	cells, err := parseCells(last[0][1:])
	if err != nil {
		return err
	}
	best := make([]Model, len(g.Columns))
	for i := range best {
		best[i] = Model{Loss: last[1][i+1], Beta: optional(last[2][i+1]), Gamma: optional(last[3][i+1])}
	}
	g.Rows = append(g.Rows, Row{Label: "class-balanced", Best: best, Cells: cells})
	return nil
}

// optional reads a number that is "-" where it does not apply.
func optional(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return v
}
