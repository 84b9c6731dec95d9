package paper

import (
	"fmt"
	"strconv"
	"strings"
)

// Gallery is a published table whose rows are methods rather than losses of the paper's grid: they differ in sampling, mixing,
// schedules and stages too, so that a row is known by its label alone.
type Gallery struct {
	Name    string
	Title   string
	Columns []Column
	Rows    []GalleryRow

	OwnProtocol bool // its networks, schedules and batches are not those of config.Defaults
}

// GalleryRow is a method with its published errors.
type GalleryRow struct {
	Label string
	Cells []Cell // [columns]
}

// galleries by name: gallery.csv has the numbers that the toolbox BagofTricks-LT publishes (Zhang et al., AAAI 2021; single runs, deferred
// methods from epoch 160), ldam.csv those of Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
// NeurIPS 2019 (the best test epoch; its rows LDAM and class-balanced softmax could not be checked against the paper's own table);
// table3.csv the large data sets of the paper.
var galleries = map[string]source{
	"gallery": {file: "gallery.csv", title: "Error (%) of ResNet-32 by 24 methods, published by BagofTricks-LT (AAAI 2021)"},
	"table3":  {file: "table3.csv", title: "Table 3: error (%) on large data sets; input 224 x 224 unless the row says 320"},
	"ldam":    {file: "ldam.csv", title: "Error (%) of ResNet-32, published by Cao et al. (NeurIPS 2019)"},
}

// Galleries are the names that LookupGallery knows.
func Galleries() []string { return []string{"gallery", "ldam", "table3"} }

// LookupGallery gives a gallery by its name; an unknown name is an error that lists the known ones.
func LookupGallery(name string) (*Gallery, error) {
	s, ok := galleries[name]
	if !ok {
		return nil, fmt.Errorf("no published table %q; there are %s", name, strings.Join(append(Names(), Galleries()...), ", "))
	}
	records, err := read(s.file)
	if err != nil {
		return nil, err
	}
	g := &Gallery{Name: name, Title: s.title}
	if name == "table3" {
		g.OwnProtocol = true
		return g, g.table3(records)
	}
	for _, h := range records[0][1:] {
		column, err := parseColumn(h)
		if err != nil {
			return nil, err
		}
		g.Columns = append(g.Columns, column)
	}
	for _, r := range records[1:] {
		cells, err := parseCells(r[1:])
		if err != nil {
			return nil, err
		}
		g.Rows = append(g.Rows, GalleryRow{r[0], cells})
	}
	return g, nil
}

// parseColumn reads a heading: c10_200 of Table 2, c10_if100, or with the profile c100_step10.
func parseColumn(heading string) (Column, error) {
	set, rest, _ := strings.Cut(heading, "_")
	digits := strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz")
	factor, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return Column{}, fmt.Errorf("column %q: %w", heading, err)
	}
	c := Column{Dataset: "cifar" + strings.TrimPrefix(set, "c"), Imbalance: factor}
	if strings.HasPrefix(rest, "step") {
		c.Profile = "step"
	}
	return c, nil
}

// Cell is the published number of a method on a data set; ok is false where there is none. A remark in brackets behind a published label
// does not count.
func (g *Gallery) Cell(label string, c Column) (cell Cell, ok bool) {
	for _, r := range g.Rows {
		method, _, _ := strings.Cut(r.Label, " (")
		for i := range g.Columns {
			if (r.Label == label || method == label) && g.Columns[i] == c {
				return r.Cells[i], true
			}
		}
	}
	return Cell{}, false
}
