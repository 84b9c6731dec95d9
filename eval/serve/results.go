package serve

import (
	"cmp"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"longtail/data"
	"longtail/eval"
	"longtail/eval/paper"
	"longtail/eval/status"
	"longtail/eval/tables"
	"longtail/internal/run"
)

// results are the finished runs as far as tables need them, so that a table of a thousand runs costs the reading of each once, and little
// memory.
type results struct {
	mu   sync.Mutex
	runs map[string]result // by folder
	set  eval.Set
}

// result is a finished run without what only its own page shows.
type result struct {
	size int64 // of its summary.json
	time time.Time
	set  eval.Set
}

func newResults() *results { return &results{runs: map[string]result{}} }

// update reads the finished runs that are new, and gives all.
func (s *results) update(root string, rows []status.Row) eval.Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[string]result{}
	changed := false
	for _, row := range rows {
		if row.State != status.Done || leadsOut(root, row.Folder) {
			continue
		}
		info, err := os.Stat(filepath.Join(row.Folder, run.SummaryFile))
		if err != nil {
			continue
		}
		old, known := s.runs[row.Folder]
		if known && old.size == info.Size() && old.time.Equal(info.ModTime()) {
			next[row.Folder] = old
			continue
		}
		set, err := eval.Load(row.Folder)
		if err != nil {
			continue // it went meanwhile
		}
		for _, r := range set.Runs {
			lighten(r)
		}
		next[row.Folder], changed = result{info.Size(), info.ModTime(), set}, true
	}
	if changed || len(next) != len(s.runs) {
		var all eval.Set
		for _, row := range rows {
			if r, ok := next[row.Folder]; ok {
				all.Runs, all.Problems = append(all.Runs, r.set.Runs...), append(all.Problems, r.set.Problems...)
			}
		}
		s.set = eval.Set{}
		s.set.Add(all)
	}
	s.runs = next
	return s.set
}

// lighten drops what tables of errors do not show: epochs, environment, confusion matrices.
func lighten(r *eval.Run) {
	r.History, r.Environment = nil, nil
	s := &r.Summary
	for _, one := range []*run.Result{&s.Last, &s.Best, s.BestByValidation} {
		if one != nil {
			one.Confusion = nil
		}
	}
	if a := s.Adjusted; a != nil {
		a.Last.Confusion, a.Best.Confusion = nil, nil
		if a.BestByValidation != nil {
			a.BestByValidation.Confusion = nil
		}
	}
}

// published is a table of the paper with our runs in it.
type published struct {
	Name     string   `json:"name"`
	Names    []string `json:"names"` // of all tables
	Tables   []table  `json:"tables"`
	Cells    int      `json:"cells"`
	Gaps     int      `json:"gaps"`
	Commands []gap    `json:"commands"` // that fill the gaps
	Problems []string `json:"problems"`
}

// gap is a cell without a run.
type gap struct {
	Cell    string `json:"cell"`
	Command string `json:"command"`
}

// table answers ?name=NAME, Table 2 without.
func (s *Server) table(r *http.Request) (any, error) {
	p := published{Name: cmp.Or(r.URL.Query().Get("name"), paper.Names()[0]), Names: paper.Names(), Tables: []table{}, Commands: []gap{}}
	grid, err := paper.Lookup(p.Name)
	if err != nil {
		return nil, notFound("There is no such table.")
	}
	s.board.refresh(r.Context())
	set := s.results.update(s.board.root, s.board.all())
	o := tables.Options{Which: eval.Last, Command: func(c paper.Column, m paper.Model) string { return tables.TrainCommand(c, m, s.options.Folder) }}
	all := tables.CompareAll(grid, set.Runs, o)
	main := slices.IndexFunc(all, func(c tables.Comparison) bool { return c.Name == grid.Name })
	if main < 0 { // all runs are of other data
		main, all = len(all), append(all, tables.Compare(grid, tables.Setting{}, o))
	}
	for _, c := range all {
		for _, t := range c.Tables() {
			p.Tables = append(p.Tables, newTable(t))
		}
	}
	c := all[main]
	p.Cells, p.Gaps = c.Cells, c.Gaps
	for _, row := range c.Rows {
		for j, e := range row.Entries {
			if e.Command != "" {
				p.Commands = append(p.Commands, gap{row.Label + ", " + columnName(c.Columns[j]), e.Command})
			}
		}
	}
	for _, one := range set.Problems {
		p.Problems = append(p.Problems, one.Path+": "+one.Err.Error())
	}
	return p, nil
}

// columnName is a column of the paper in words.
func columnName(c paper.Column) string {
	name := data.Label(c.Dataset) + " " + data.ImbalanceLabel(c.Imbalance)
	if c.Profile != "" {
		name += " " + c.Profile
	}
	return name
}
