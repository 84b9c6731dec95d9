package plots

import (
	"math"

	"longtail/eval"
	"longtail/internal/run"

	"gonum.org/v1/plot"
)

// Curve is the history of one run.
type Curve struct {
	Name    string
	History []run.Epoch
}

// Curves draws loss and error of runs over their epochs: training dashed, test solid.
func Curves(name, title string, runs []Curve) Figure {
	lossPlot, errorPlot := newPlot("", "loss"), newPlot("epoch", "error (%)")
	type pick struct {
		p    *plot.Plot
		of   func(run.Score) float64
		unit float64
	}
	var legend []entry
	for _, k := range []pick{{lossPlot, func(s run.Score) float64 { return s.Loss }, 1}, {errorPlot, func(s run.Score) float64 { return s.Error }, 100}} {
		var all []Series
		for i, r := range runs {
			train, test := Series{Name: r.Name, Color: i, Reference: true}, Series{Name: r.Name, Color: i}
			for _, e := range r.History {
				train.X, test.X = append(train.X, e.Epoch), append(test.X, e.Epoch)
				train.Y = append(train.Y, k.unit*k.of(e.Train))
				if e.Test != nil {
					test.Y = append(test.Y, k.unit*k.of(*e.Test))
				} else {
					test.Y = append(test.Y, math.NaN())
				}
			}
			// Epochs without a test are no gap of the line: the test is rarer.
			all = append(all, train, test.compact())
		}
		addGrid(k.p, false)
		legend = addSeries(k.p, all, "training")
		k.p.Y.Min = 0
	}
	f := newFigure(name, title, 380, panel{lossPlot, 0.47}, panel{errorPlot, 0.53})
	f.legend, f.gap = legend, chartGap
	return f
}

// compact is the series without its gaps.
func (s Series) compact() Series {
	out := s
	out.X, out.Y = nil, nil
	for i, y := range s.Y {
		if !math.IsNaN(y) {
			out.X, out.Y = append(out.X, s.X[i]), append(out.Y, y)
		}
	}
	return out
}

// GroupCurves are the histories of the first run of each group, which stands for its seeds.
func GroupCurves(g eval.Grouping) []Curve {
	var all []Curve
	for _, group := range g.Groups {
		if h := group.Runs[0].History; len(h) > 0 {
			all = append(all, Curve{group.Label, h})
		}
	}
	return all
}
