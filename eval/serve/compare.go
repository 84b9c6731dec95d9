package serve

import (
	"bytes"
	"net/http"
	"slices"

	"longtail/data"
	"longtail/eval"
	"longtail/eval/export"
	"longtail/eval/report"
	"longtail/eval/status"
	"longtail/eval/tables"
	"longtail/internal/config"
)

// table is a table as the page gets it.
type table struct {
	Title  string     `json:"title"`
	Spans  []span     `json:"spans"`
	Header []string   `json:"header"`
	Rows   [][]string `json:"rows"`
	Best   [][2]int   `json:"best"` // row and column of marked cells
	Notes  []string   `json:"notes"`
}

type span struct {
	Text    string `json:"text"`
	Columns int    `json:"columns"`
}

func newTable(t tables.Table) table {
	out := table{Title: t.Title, Spans: []span{}, Header: t.Header, Rows: [][]string{}, Best: [][2]int{}, Notes: append([]string{}, t.Notes...)}
	for _, s := range t.Spans {
		out.Spans = append(out.Spans, span{s.Text, s.Columns})
	}
	for i, row := range t.Rows {
		var texts []string
		for j, c := range row {
			texts = append(texts, c.Text)
			if c.Best {
				out.Best = append(out.Best, [2]int{i, j})
			}
		}
		out.Rows = append(out.Rows, texts)
	}
	return out
}

// resultTable is what compare prints of one run.
func resultTable(r *eval.Run) tables.Table {
	return tables.GroupTable(eval.GroupRuns([]*eval.Run{r}), eval.ErrorRate)
}

// comparison is what several runs have in common and what not.
type comparison struct {
	Groups      []group      `json:"groups"`
	Differences []difference `json:"differences"`
	IDs         []string     `json:"ids"` // of the runs, in the order of a difference's values
	Names       []string     `json:"names"`
	Tables      []table      `json:"tables"`            // of the finished ones
	Classes     *classLines  `json:"classes,omitempty"` // of the finished ones; nil where their classes are not the same
	Unfinished  int          `json:"unfinished"`
	Failed      []string     `json:"failed"`
}

// group are the runs that differ in their seeds only.
type group struct {
	Label string   `json:"label"`
	IDs   []string `json:"ids"`
}

// difference is a key of the configs that is not the same in all of them.
type difference struct {
	Key    string   `json:"key"`
	Values []string `json:"values"` // [runs]
}

// compare answers ?id=ID&id=ID.
func (s *Server) compare(r *http.Request) (any, error) {
	runs, rows, failed, err := s.readAll(r)
	if err != nil {
		return nil, err
	}
	c := comparison{Groups: []group{}, Differences: differences(runs), Tables: []table{}, Failed: failed}
	id := map[*eval.Run]string{}
	var finished []*eval.Run
	for i, one := range runs {
		id[one] = idOf(rows[i].Name)
		c.IDs, c.Names = append(c.IDs, id[one]), append(c.Names, rows[i].Name)
		if rows[i].State == status.Done {
			finished = append(finished, one)
		}
	}
	c.Unfinished = len(runs) - len(finished)
	for _, g := range eval.GroupRuns(runs).Groups {
		next := group{Label: g.Label}
		for _, one := range g.Runs {
			next.IDs = append(next.IDs, id[one])
		}
		c.Groups = append(c.Groups, next)
	}
	if len(finished) > 0 {
		grouping := eval.GroupRuns(finished)
		c.Classes = linesOf(grouping)
		c.Tables = append(c.Tables, newTable(tables.GroupTable(grouping, eval.ErrorRate)), newTable(tables.MetricsTable(grouping)))
	}
	return c, nil
}

// classLines are the accuracies of each class over the groups, from most to fewest training images.
type classLines struct {
	Names []string    `json:"names"` // [C]
	Lines []classLine `json:"lines"`
}

// classLine is the mean and the deviation over the runs of a group.
type classLine struct {
	Label     string    `json:"label"`
	Runs      int       `json:"runs"`
	Mean      []float64 `json:"mean"`      // [C]
	Deviation []float64 `json:"deviation"` // [C]
}

// linesOf are the accuracies of each class at the end, nil where the runs have several sets of classes or orders of them.
func linesOf(g eval.Grouping) *classLines {
	first := g.Groups[0].Runs[0].Summary
	order := data.ByFrequency(first.Counts)
	out := &classLines{}
	for _, class := range order {
		out.Names = append(out.Names, first.ClassNames[class])
	}
	for _, one := range g.Groups {
		line := classLine{Label: one.Label, Runs: len(one.Runs)}
		for _, r := range one.Runs {
			if !slices.Equal(r.Summary.ClassNames, first.ClassNames) || !slices.Equal(data.ByFrequency(r.Summary.Counts), order) {
				return nil
			}
		}
		for _, class := range order {
			s := eval.Over(one.Runs, func(r *eval.Run) float64 { return r.Result(eval.Last).PerClass[class] })
			line.Mean, line.Deviation = append(line.Mean, s.Mean), append(line.Deviation, s.Deviation)
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// differences are the keys that decide a run and that are not the same in all of them.
func differences(runs []*eval.Run) []difference {
	all := []difference{}
	for _, key := range config.Keys() {
		if role := config.RoleOf(key); role == config.Bookkeeping || role == config.Place {
			continue
		}
		d := difference{Key: key}
		for _, r := range runs {
			d.Values = append(d.Values, r.Config.Text(key))
		}
		if len(slices.Compact(slices.Clone(d.Values))) > 1 {
			all = append(all, d)
		}
	}
	return all
}

// report answers ?id=ID&id=ID with the page of longtail report about the finished ones.
func (s *Server) report(r *http.Request) ([]byte, error) {
	runs, rows, _, err := s.readAll(r)
	if err != nil {
		return nil, err
	}
	var set eval.Set
	for i, one := range runs {
		if rows[i].State == status.Done {
			set.Add(eval.Set{Runs: []*eval.Run{one}})
		}
	}
	var b bytes.Buffer
	err = report.Write(&b, set, report.Options{Title: "Long-tailed training: " + s.options.Folder, Which: eval.Last})
	return b.Bytes(), err
}

// metricsCSV answers ?id=ID&id=ID with the table of longtail export --to csv.
func (s *Server) metricsCSV(r *http.Request) ([]byte, error) {
	runs, rows, _, err := s.readAll(r)
	if err != nil {
		return nil, err
	}
	var all []*export.Run
	for i, one := range runs {
		each := export.Of(one)
		each.Name = rows[i].Name
		all = append(all, each)
	}
	return export.CSV.Encode(all)
}
