package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"longtail/data"
	"longtail/eval"
	"longtail/eval/paper"
)

// Point is an error rate of a model, in per cent, over seeds.
type Point struct {
	Column paper.Column
	Model  paper.Model
	Error  eval.Stat
}

// Points are the test errors of runs: one for each data set, factor and loss.
func Points(runs []*eval.Run, w eval.Which) []Point {
	var all []Point
	index := map[Point][]*eval.Run{}
	for _, r := range eval.Sorted(runs) {
		key := Point{Column: r.Column(), Model: r.Model()}
		if _, known := index[key]; !known {
			all = append(all, key)
		}
		index[key] = append(index[key], r)
	}
	for i, p := range all {
		all[i].Error = eval.Over(index[p], func(r *eval.Run) float64 { return r.TestError(w) })
	}
	return slices.DeleteFunc(all, func(p Point) bool { return p.Error.N == 0 })
}

// ErrorByBeta draws the error against beta on one data set and factor, a line for each loss, 0 the plain one (the paper's
// Figure 5); the published numbers are dashed where showPaper is set.
func ErrorByBeta(c paper.Column, points []Point, showPaper bool) Figure {
	p := newPlot("β (0: not class-balanced)", "test error (%)")
	betas := paper.Betas()
	for _, x := range points {
		if x.Column == c && !slices.Contains(betas, x.Model.Beta) {
			betas = append(betas, x.Model.Beta)
		}
	}
	slices.Sort(betas)
	var all []Series
	for i, plain := range plainModels(points, c, showPaper) {
		ours, published := Series{Name: plain.String(), Color: i, Marked: true}, Series{Name: plain.String(), Color: i, Marked: true, Reference: true}
		for j, beta := range betas {
			m := paper.Model{Loss: plain.Loss, Gamma: plain.Gamma, Beta: beta}
			ours.add(float64(j), find(points, c, m))
			published.add(float64(j), publishedStat(c, m, showPaper))
		}
		all = append(all, ours.compactStats(), published.compactStats())
	}
	addGrid(p, false)
	legend := addSeries(p, all, "paper")
	values, labels := make([]float64, len(betas)), make([]string, len(betas))
	for i, b := range betas {
		values[i], labels[i] = float64(i), number(b)
	}
	p.X.Tick.Marker = at(values, labels)
	p.X.Min, p.X.Max = -0.2, float64(len(betas))-0.8
	f := newFigure(fmt.Sprintf("error-by-beta-%s-if%g", c.Dataset, c.Imbalance),
		fmt.Sprintf("Error by β, %s, IF %g", data.Label(c.Dataset), c.Imbalance), 300, panel{p, 1})
	f.legend = legend
	return f
}

// ErrorByFactor draws the error against the imbalance factor on one data set, a line for each model; the published numbers
// of the same models are dashed where showPaper is set. Of more models than a reader can tell apart it shows the plain ones
// and the best of the others.
func ErrorByFactor(dataset string, points []Point, showPaper bool) Figure {
	p := newPlot("imbalance factor", "test error (%)")
	var models []paper.Model
	var factors []float64
	for _, x := range points {
		if x.Column.Dataset != dataset || x.Column.Imbalance == data.Natural {
			continue // classes as they are have no place on the axis
		}
		if !slices.Contains(models, x.Model) {
			models = append(models, x.Model)
		}
		if !slices.Contains(factors, x.Column.Imbalance) {
			factors = append(factors, x.Column.Imbalance)
		}
	}
	if len(models) == 0 && showPaper {
		models, factors = paper.PlainModels(), paper.Factors()
	}
	slices.Sort(factors)
	title := "Error by imbalance factor, " + data.Label(dataset)
	if len(models) > maxLines {
		models = bestModels(models, factors, dataset, points)
		title += ": plain losses and the best class-balanced ones"
	}
	var all []Series
	for i, m := range models {
		ours, published := Series{Name: m.String(), Color: i, Marked: true}, Series{Name: m.String(), Color: i, Marked: true, Reference: true}
		for _, f := range factors {
			c := paper.Column{Dataset: dataset, Imbalance: f}
			ours.add(f, find(points, c, m))
			published.add(f, publishedStat(c, m, showPaper))
		}
		all = append(all, ours.compactStats(), published.compactStats())
	}
	addGrid(p, false)
	legend := addSeries(p, all, "paper")
	if len(factors) > 0 {
		labels := make([]string, len(factors))
		for i, f := range factors {
			labels[i] = number(f)
		}
		logScale(&p.X, factors[0]/1.1, factors[len(factors)-1]*1.1)
		p.X.Tick.Marker = at(factors, labels)
	}
	f := newFigure("error-by-factor-"+dataset, title, 300, panel{p, 1})
	f.legend = legend
	return f
}

// bestModels are maxLines of the models, in their order: the plain ones first, then those that are the fewest points above the
// best of a factor, on average over the factors that they have.
func bestModels(models []paper.Model, factors []float64, dataset string, points []Point) []paper.Model {
	above := make(map[paper.Model]float64, len(models))
	for _, m := range models {
		sum, n := 0.0, 0
		for _, f := range factors {
			c := paper.Column{Dataset: dataset, Imbalance: f}
			best := math.Inf(1)
			for _, other := range models {
				if e := find(points, c, other).Mean; e < best {
					best = e
				}
			}
			if e := find(points, c, m).Mean; !math.IsNaN(e) {
				sum, n = sum+e-best, n+1
			}
		}
		above[m] = sum / float64(max(n, 1))
		if !m.Balanced() {
			above[m] -= 1000 // more than any error in points
		}
	}
	ranked := slices.SortedStableFunc(slices.Values(models), func(a, b paper.Model) int { return cmp.Compare(above[a], above[b]) })
	return slices.DeleteFunc(slices.Clone(models), func(m paper.Model) bool { return !slices.Contains(ranked[:maxLines], m) })
}

func find(points []Point, c paper.Column, m paper.Model) eval.Stat {
	i := slices.IndexFunc(points, func(p Point) bool { return p.Column == c && p.Model == m })
	if i < 0 {
		return eval.NewStat(nil)
	}
	return points[i].Error
}

func publishedStat(c paper.Column, m paper.Model, show bool) eval.Stat {
	if cell, ok := paper.Find(c, m); ok && show {
		return eval.NewStat([]float64{cell.Error})
	}
	return eval.NewStat(nil)
}

// plainModels are the losses of the points on a data set, those of the paper where there are none.
func plainModels(points []Point, c paper.Column, showPaper bool) []paper.Model {
	var all []paper.Model
	for _, p := range points {
		if m := p.Model.Plain(); p.Column == c && !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	if len(all) == 0 && showPaper {
		return paper.PlainModels()
	}
	return all
}

func (s *Series) add(x float64, v eval.Stat) {
	s.X, s.Y, s.Deviation = append(s.X, x), append(s.Y, v.Mean), append(s.Deviation, v.Deviation)
}

// compactStats is compact for a series with error bars.
func (s Series) compactStats() Series {
	out := s
	out.X, out.Y, out.Deviation = nil, nil, nil
	for i, y := range s.Y {
		if !math.IsNaN(y) {
			out.X, out.Y, out.Deviation = append(out.X, s.X[i]), append(out.Y, y), append(out.Deviation, s.Deviation[i])
		}
	}
	return out
}

// spread is how many points above the best of its column a cell of ModelMap is at the bright end of the colours.
const spread = 8.0

// ModelMap draws the 25 models by the imbalance factors of one data set (the paper's Figures 8 to 10): the error in each
// field, coloured by how many points it is above the best of its column. values are [rows][columns] in per cent, NaN a gap.
func ModelMap(name, title string, models []paper.Model, factors []float64, values [][]float64) Figure {
	p := newPlot("imbalance factor", "")
	best := make([]float64, len(factors))
	for j := range factors {
		best[j] = math.Inf(1)
		for i := range models {
			if v := values[i][j]; v < best[j] {
				best[j] = v
			}
		}
	}
	m := cells{}
	var ys, xs []float64
	var rows, columns []string
	for i, model := range models {
		shade, text := make([]float64, len(factors)), make([]string, len(factors))
		for j, v := range values[i] {
			shade[j], text[j] = 1-(v-best[j])/spread, fmt.Sprintf("%.2f", v)
			if math.IsNaN(v) {
				text[j] = "–"
			}
		}
		m.shade, m.text = append(m.shade, shade), append(m.text, text)
		ys, rows = append(ys, float64(len(models)-1-i)), append(rows, model.String())
	}
	for j, f := range factors {
		xs, columns = append(xs, float64(j)), append(columns, number(f))
	}
	p.Add(m)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(len(factors))-0.5, -0.5, float64(len(models))-0.5
	p.X.Padding, p.Y.Padding = 0, 0
	p.X.Tick.Marker, p.Y.Tick.Marker = at(xs, columns), at(ys, rows)
	bar := scale("points above the best of the column (8 and more: dark)", []float64{0, 2, 4, 6, 8}, func(v float64) float64 { return 1 - v/spread })
	return newFigure(name, title, 470, panel{p, 0.9}, panel{bar, 0.1})
}

// PaperMap is ModelMap of the numbers of one of the paper's figures.
func PaperMap(g *paper.Grid) Figure {
	return gridMap(g, g.Name+"-paper", g.Title+", paper", func(i, j int) float64 { return g.Rows[i].Cells[j].Error })
}

// OurMap is ModelMap of our numbers in the layout of one of the paper's figures.
func OurMap(g *paper.Grid, points []Point) Figure {
	return gridMap(g, g.Name+"-ours", g.Title+", ours", func(i, j int) float64 { return find(points, g.Columns[j], g.Rows[i].Model).Mean })
}

func gridMap(g *paper.Grid, name, title string, at func(i, j int) float64) Figure {
	var models []paper.Model
	var values [][]float64
	var factors []float64
	for _, c := range g.Columns {
		factors = append(factors, c.Imbalance)
	}
	for i, r := range g.Rows {
		models = append(models, r.Model)
		row := make([]float64, len(factors))
		for j := range row {
			row[j] = at(i, j)
		}
		values = append(values, row)
	}
	return ModelMap(name, title, models, factors, values)
}
