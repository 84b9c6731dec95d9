// Package report writes one HTML page about a set of runs: tables, pictures, configs and environments. The page holds
// everything it shows (pictures as inline SVG), asks the network for nothing, and fits a phone.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"longtail/eval"
	"longtail/eval/paper"
	"longtail/eval/plots"
	"longtail/eval/tables"
	"longtail/internal/disk"
)

//go:embed page.html
var page string

var tmpl = template.Must(template.New("page").Parse(page))

// Options say what a report shows.
type Options struct {
	Title  string
	Which  eval.Which  // which test result is quoted
	Metric eval.Metric // which number of it in the tables; empty is the error

	Mistakes []Mistakes // of runs; nil leaves the section out
}

type figure struct {
	Title string
	SVG   template.HTML
}

type section struct {
	Title, ID string
	Figures   []figure
}

type runInfo struct {
	Name, Dir, Label, Config string
	Environment              [][2]string
}

type content struct {
	Title    string
	Runs     int
	Groups   tables.Table
	Metrics  tables.Table
	Paper    []tables.Table
	Sections []section
	Classes  []tables.Table
	Mistakes []mistakesOfRun
	Details  []runInfo
	Problems []string
	Remarks  []string
}

// Write writes the page. A set without runs gives a page that says so.
func Write(w io.Writer, set eval.Set, o Options) error {
	c := content{Title: o.Title, Runs: len(set.Runs), Remarks: set.Remarks}
	if len(set.Runs) > 0 {
		grouping := eval.GroupRuns(set.Runs)
		c.Groups, c.Metrics = tables.GroupTable(grouping, o.Metric), tables.MetricsTable(grouping)
		c.Paper = paperTables(set.Runs, o)
		var err error
		if c.Sections, err = sections(set.Runs, o.Which); err != nil {
			return err
		}
		if c.Mistakes, err = showMistakes(o.Mistakes); err != nil {
			return err
		}
		c.addDetails(grouping)
	}
	for _, p := range set.Problems {
		c.Problems = append(c.Problems, p.Path+": "+p.Err.Error())
	}
	if err := tmpl.Execute(w, c); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// WriteFile writes the page atomically; its folder must exist. A link stays a link, a device a device.
func WriteFile(path string, set eval.Set, o Options) error {
	var b bytes.Buffer
	if err := Write(&b, set, o); err != nil {
		return err
	}
	return disk.WriteTo(path, b.Bytes())
}

// paperTables are our runs beside the paper's, restricted to what has runs.
func paperTables(runs []*eval.Run, o Options) []tables.Table {
	var all []tables.Table
	for _, s := range tables.Settings(runs) {
		g := tables.Found(s.Runs)
		known := slices.ContainsFunc(g.Rows, func(r paper.Row) bool {
			return slices.ContainsFunc(r.Cells, func(c paper.Cell) bool { return c.Text != "" })
		})
		if known {
			all = append(all, tables.Compare(g, s, tables.Options{Which: o.Which, Metric: o.Metric}).Tables()...)
		}
	}
	return all
}

func sections(runs []*eval.Run, w eval.Which) ([]section, error) {
	order := []section{{Title: "Errors", ID: "errors"}, {Title: "Classes", ID: "classes"}, {Title: "Training", ID: "training"}, {Title: "Data", ID: "data"}, {Title: "Confusion matrices", ID: "confusion"}}
	prefixes := map[string]int{"per-class": 1, "curves": 2, "images": 3, "confusion": 4}
	for _, f := range plots.ForRuns(runs, w) {
		svg, err := f.Inline()
		if err != nil {
			return nil, err
		}
		at := 0
		for prefix, i := range prefixes {
			if strings.HasPrefix(f.Name, prefix) {
				at = i
			}
		}
		order[at].Figures = append(order[at].Figures, figure{f.Title, template.HTML(svg)}) // drawn here from numbers, text escaped
	}
	return slices.DeleteFunc(order, func(s section) bool { return len(s.Figures) == 0 }), nil
}

func (c *content) addDetails(g eval.Grouping) {
	for _, group := range g.Groups {
		for i, r := range group.Runs {
			info := runInfo{Name: r.Name(), Dir: r.Dir, Label: group.Label, Config: r.ConfigText}
			for _, k := range slices.Sorted(maps.Keys(r.Environment)) {
				info.Environment = append(info.Environment, [2]string{k, r.Environment[k]})
			}
			c.Details = append(c.Details, info)
			if i == 0 {
				t := tables.PerClassTable(r)
				t.Title = group.Label + " (seed " + fmt.Sprint(r.Summary.Seed) + ")"
				c.Classes = append(c.Classes, t)
			}
		}
	}
}
