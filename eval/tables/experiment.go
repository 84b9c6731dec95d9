package tables

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"longtail/data"
	"longtail/eval/paper"
	"longtail/internal/config"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
)

// Experiment is a sweep's file, or the config of a run, and the table that it is for.
type Experiment struct {
	Path string      // of the file
	Out  string      // folder of its runs, or the run's own
	Grid *paper.Grid // the table: one of the paper's, or what the file's grid spans

	Methods *Methods // the table of a file with rows, in place of Grid
}

// LoadExperiment reads a sweep's file, or the config of one run, with overrides as for its command. The table it means is, in this order: the key
// `table: NAME` or `figure: N`; the file's own name, where it is that of a table or figure of the paper ("table2.yaml",
// "figure8.yaml"); or the data sets, factors and losses that its grid spans.
func LoadExperiment(path string, overrides []string) (*Experiment, error) {
	sweep, err := grid.IsSweep(path)
	if err != nil {
		return nil, err
	}
	if !sweep {
		c, err := config.Load(path, overrides)
		if err != nil {
			return nil, err
		}
		return &Experiment{Path: path, Out: c.Out, Grid: span(c)}, nil
	}
	g, err := grid.Load(path, overrides)
	if err != nil {
		return nil, err
	}
	e := &Experiment{Path: path, Out: g.Out}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if len(g.Rows) > 0 {
		e.Methods, err = methods(g, cmp.Or(g.Table, stem))
		return e, err
	}
	switch {
	case g.Table != "":
		if e.Grid, err = paper.Lookup(g.Table); err != nil {
			return nil, fail.Usage("%s: %w", path, err)
		}
	case slices.Contains(paper.Names(), stem):
		e.Grid, err = paper.Lookup(stem)
	default:
		var configs []*config.Config
		for _, r := range g.Runs {
			configs = append(configs, r.Config)
		}
		e.Grid = span(configs...)
	}
	return e, err
}

// methods is the table of a sweep with rows, beside the published one of that name where there is one.
func methods(g *grid.Grid, name string) (*Methods, error) {
	published, err := paper.LookupGallery(name)
	if err != nil && g.Table != "" {
		return nil, fail.Usage("%s: %w\nremove the key table, or name one of these", g.Path, err)
	}
	return newMethods(g.Path, g, published), nil
}

// span is the grid of data sets, factors and losses that runs have.
func span(configs ...*config.Config) *paper.Grid {
	table := &paper.Grid{Name: "grid", Title: "Error (%) of the runs of this config"}
	var models []paper.Model
	for _, c := range configs {
		column := paper.Column{Dataset: data.Title(c.Data.Dataset), Imbalance: float64(c.Data.Imbalance)}
		model := paper.NewModel(c.Loss.Name, c.Loss.Options()["gamma"], c.Loss.Beta)
		if !slices.Contains(table.Columns, column) {
			table.Columns = append(table.Columns, column)
		}
		if !slices.Contains(models, model) {
			models = append(models, model)
		}
	}
	slices.SortStableFunc(table.Columns, func(a, b paper.Column) int {
		return cmp.Or(strings.Compare(a.Dataset, b.Dataset), cmp.Compare(b.Imbalance, a.Imbalance))
	})
	return FillGrid(table, models)
}

// TrainCommand is the command line of one run of a table. out is the folder of the table's runs.
func TrainCommand(column paper.Column, m paper.Model, out string) string {
	overrides := []string{"data.dataset=" + column.Dataset, "data.imbalance=" + data.ImbalanceText(column.Imbalance), "loss.name=" + m.Loss}
	if m.Loss == paper.Focal {
		overrides = append(overrides, "loss.gamma="+text(m.Gamma))
	}
	if m.Balanced() {
		overrides = append(overrides, "loss.beta="+text(m.Beta))
	}
	c := config.Defaults()
	if err := c.Override(overrides); err != nil {
		return "" // the table's own names and numbers are values of their keys
	}
	words := append([]string{"longtail", "train"}, c.Overrides()...)
	if filepath.Clean(out) != grid.DefaultOut {
		words = append(words, "out="+filepath.Join(out, c.RunName()))
	}
	return fail.CommandLine(words)
}

func text(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
