package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"longtail/data"
	"longtail/eval"
	"longtail/eval/paper"
	"longtail/eval/tables"
	"longtail/internal/metrics"
)

// maxLines is the number of groups that share one chart: more lines cannot be told apart.
const maxLines = 7

// maxConfusions is the number of groups whose confusion matrices are drawn, of at most metrics.Dense classes.
const maxConfusions = 12

// mapFrom is the number of class-balanced models from which a map of all 25 is worth its room.
const mapFrom = 5

// ForRuns draws everything that a set of runs can show: error by factor and by beta, the maps of the paper's figures, images
// a class, accuracy of each class, training curves and confusion matrices. Runs that were trained differently do not share
// the charts of errors. Every figure has a name of its own.
func ForRuns(runs []*eval.Run, w eval.Which) []Figure {
	var all []Figure
	for i, s := range tables.Settings(runs) {
		figures := errorFigures(s, w)
		for j := range figures {
			if i > 0 {
				figures[j].Name += fmt.Sprintf("-%d", i+1)
			}
			if s.Label != "" {
				figures[j].Title += " (" + s.Label + ")"
			}
		}
		all = append(all, figures...)
	}
	all = append(all, imageFigures(runs)...)
	for _, col := range columns(runs) {
		all = append(all, columnFigures(col, of(runs, func(r *eval.Run) bool { return r.Column() == col }))...)
	}
	return all
}

func of(runs []*eval.Run, keep func(*eval.Run) bool) []*eval.Run {
	var kept []*eval.Run
	for _, r := range runs {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// columns are the data sets and factors of runs, largest factor first.
func columns(runs []*eval.Run) []paper.Column {
	var all []paper.Column
	for _, r := range runs {
		if !slices.Contains(all, r.Column()) {
			all = append(all, r.Column())
		}
	}
	slices.SortFunc(all, func(a, b paper.Column) int {
		return cmp.Or(strings.Compare(a.Dataset, b.Dataset), cmp.Compare(b.Imbalance, a.Imbalance))
	})
	return all
}

func datasets(cols []paper.Column) []string {
	var all []string
	for _, c := range cols {
		if !slices.Contains(all, c.Dataset) {
			all = append(all, c.Dataset)
		}
	}
	return all
}

// errorFigures are the charts of errors of one setting, with the paper's numbers where the setting is the paper's.
func errorFigures(s tables.Setting, w eval.Which) []Figure {
	points, cols := Points(s.Runs, w), columns(s.Runs)
	showPaper := len(s.Deviations) == 0
	var all []Figure
	for _, set := range datasets(cols) {
		inSet := slices.DeleteFunc(slices.Clone(cols), func(c paper.Column) bool { return c.Dataset != set || c.Imbalance == data.Natural })
		if len(inSet) > 1 {
			all = append(all, ErrorByFactor(set, points, showPaper))
		}
	}
	for _, c := range cols {
		betas := map[float64]bool{}
		for _, p := range points {
			if p.Column == c {
				betas[p.Model.Beta] = true
			}
		}
		if len(betas) > 1 {
			all = append(all, ErrorByBeta(c, points, showPaper))
		}
	}
	for _, name := range []string{"figure8", "figure9", "figure10"} {
		g, err := paper.Lookup(name)
		if err != nil { // the embedded files are tested
			continue
		}
		models := map[paper.Model]bool{}
		for _, p := range points {
			if slices.Contains(g.Columns, p.Column) && p.Model.Balanced() {
				models[p.Model] = true
			}
		}
		if len(models) >= mapFrom {
			all = append(all, PaperMap(g), OurMap(g, points))
		}
	}
	return all
}

// imageFigures are the images a class of each data set, one line for each factor and profile.
func imageFigures(runs []*eval.Run) []Figure {
	var all []Figure
	for _, set := range datasets(columns(runs)) {
		var names []string
		var counts [][]int
		for _, c := range columns(runs) {
			for _, r := range runs {
				known := slices.ContainsFunc(counts, func(n []int) bool { return slices.Equal(n, r.Summary.Counts) })
				if r.Column() == c && c.Dataset == set && !known && len(counts) < maxLines {
					name := data.ImbalanceLabel(c.Imbalance)
					if p := r.Summary.Profile; p != "" && p != "exp" {
						name += " " + p
					}
					names, counts = append(names, name), append(counts, r.Summary.Counts)
				}
			}
		}
		all = append(all, Images("images-per-class-"+set, "Training images a class, "+data.Label(set), names, counts))
	}
	return all
}

// columnFigures are the charts of the classes of one data set and factor.
func columnFigures(c paper.Column, runs []*eval.Run) []Figure {
	suffix := c.Dataset + "-" + strings.ToLower(strings.ReplaceAll(data.ImbalanceLabel(c.Imbalance), " ", ""))
	where := data.Label(c.Dataset) + ", " + data.ImbalanceLabel(c.Imbalance)
	first := runs[0].Summary
	groups := eval.GroupRuns(runs)
	var classes []ClassAccuracy
	var all []Figure
	for i, g := range groups.Groups {
		same := of(g.Runs, func(r *eval.Run) bool { return len(r.Summary.Counts) == len(first.Counts) })
		if len(same) == 0 {
			continue
		}
		if len(classes) < maxLines {
			classes = append(classes, ClassAccuracy{g.Label, meanPerClass(same)})
		}
		if i < maxConfusions && len(first.Counts) <= metrics.Dense {
			all = append(all, Confusion(fmt.Sprintf("confusion-%s-%d", suffix, i+1), "Confusion, "+where+", "+g.Label, first.ClassNames, first.Counts, sumConfusion(same)))
		}
	}
	charts := []Figure{PerClass("per-class-"+suffix, "Accuracy of each class, "+where, first.ClassNames, first.Counts, classes)}
	if curves := GroupCurves(groups); len(curves) > 0 {
		charts = append(charts, Curves("curves-"+suffix, "Training curves, "+where, curves[:min(maxLines, len(curves))]))
	}
	return append(charts, all...)
}

func meanPerClass(runs []*eval.Run) []float64 {
	mean := make([]float64, len(runs[0].Summary.Counts))
	for _, r := range runs {
		for c, v := range r.Result(eval.Last).PerClass {
			mean[c] += v / float64(len(runs))
		}
	}
	return mean
}

func sumConfusion(runs []*eval.Run) [][]int64 {
	sum := make([][]int64, len(runs[0].Summary.Counts))
	for i := range sum {
		sum[i] = make([]int64, len(sum))
		for _, r := range runs {
			for j, n := range r.Result(eval.Last).Confusion[i] {
				sum[i][j] += n
			}
		}
	}
	return sum
}

// ForPaper draws the paper's own figures: images a class (4), the class-balanced term (3), effective numbers (6), error by
// beta (5) and the maps of 25 models (8 to 10), with our numbers where there are runs.
func ForPaper(runs []*eval.Run, w eval.Which) ([]Figure, error) {
	betas := paper.Betas()
	all := []Figure{ClassBalancedTerm(betas)}
	maps, err := paperMaps()
	if err != nil {
		return nil, err
	}
	for _, g := range maps {
		set := g.Columns[0].Dataset
		images, err := ImagesPerClass(set, paper.Factors())
		if err != nil {
			return nil, err
		}
		effective, err := EffectiveNumbers(set, 50, betas[1:])
		if err != nil {
			return nil, err
		}
		all = append(all, images, effective)
	}
	points := Points(runs, w)
	for _, g := range maps {
		all = append(all, PaperMap(g))
		if slices.ContainsFunc(points, func(p Point) bool { return slices.Contains(g.Columns, p.Column) }) {
			all = append(all, OurMap(g, points))
		}
		for _, c := range g.Columns {
			all = append(all, ErrorByBeta(c, points, true))
		}
	}
	table, err := paper.Lookup("table2")
	if err != nil {
		return nil, err
	}
	var done []string
	for _, c := range table.Columns {
		if !slices.Contains(done, c.Dataset) {
			done = append(done, c.Dataset)
			all = append(all, ErrorByFactor(c.Dataset, points, true))
		}
	}
	return all, nil
}

// paperMaps are the grids of the paper's Figures 8 to 10, one for each data set.
func paperMaps() ([]*paper.Grid, error) {
	var all []*paper.Grid
	for _, name := range []string{"figure8", "figure9", "figure10"} {
		g, err := paper.Lookup(name)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}
