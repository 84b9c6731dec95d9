package grid

import (
	"path/filepath"
	"slices"

	"longtail/internal/fail"
)

// gridPoint is a row at a point of the other keys.
type gridPoint struct {
	row   string
	point int
}

// link finds the runs that start from others of the grid: where train.init_from is the label of a row, it is that row's run with the same
// other keys.
func (g *Grid) link(at map[gridPoint]int) error {
	for here, i := range at {
		c := g.Runs[i].Config
		first, ok := at[gridPoint{c.Train.InitFrom, here.point}]
		if !ok || c.Train.InitFrom == "" {
			continue
		}
		g.Runs[i].After = g.Runs[first].Name
	}
	for i, r := range g.Runs {
		if g.circular(i) {
			return fail.Usage("%s: the rows that train.init_from names lead from %s back to it\nlet one of them start from drawn weights", g.Path, r.Row)
		}
	}
	for i := range g.Runs {
		if r := &g.Runs[i]; r.After != "" {
			r.Config.Train.InitFrom = filepath.Join(g.Out, r.After)
		}
	}
	return nil
}

// circular reports whether a run waits for itself.
func (g *Grid) circular(start int) bool {
	for range g.Runs {
		next := slices.IndexFunc(g.Runs, func(r Run) bool { return r.Name == g.Runs[start].After })
		if next < 0 {
			return false
		}
		start = next
	}
	return true
}
