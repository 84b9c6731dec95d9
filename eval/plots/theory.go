package plots

import (
	"fmt"
	"math"
	"strconv"

	"longtail/data"
	"longtail/eval"
	"longtail/loss"

	"gonum.org/v1/plot"
)

// ImagesPerClass draws the training images of each class for some imbalance factors (the paper's Figure 4). An unknown data
// set or an impossible factor is an error of package data.
func ImagesPerClass(dataset string, factors []float64) (Figure, error) {
	var names []string
	var counts [][]int
	for _, f := range factors {
		n, err := data.Counts(data.Spec{Dataset: dataset, Imbalance: f, Profile: "exp"})
		if err != nil {
			return Figure{}, fmt.Errorf("drawing the images a class of %s at factor %g: %w", dataset, f, err)
		}
		names, counts = append(names, "IF "+shortNumber(f)), append(counts, n)
	}
	return Images("images-per-class-"+dataset, "Training images a class, "+data.Label(dataset), names, counts), nil
}

// Images draws the training images of each class, sorted, of some data sets; counts are [sets][C].
func Images(name, title string, names []string, counts [][]int) Figure {
	p := newPlot("class, from most to fewest images", "training images")
	var all []Series
	most, classes := 10.0, 0
	for i, n := range counts {
		s := Series{Name: names[i], Color: i, Marked: len(n) <= maxNamed}
		for rank, c := range data.ByFrequency(n) {
			s.add(float64(rank+1), eval.NewStat([]float64{float64(n[c])}))
			most = max(most, float64(n[c]))
		}
		classes = max(classes, len(n))
		all = append(all, s)
	}
	addGrid(p, false)
	legend := addSeries(p, all, "")
	rankTicks(&p.X, classes)
	logScale(&p.Y, 1, most*1.2)
	f := newFigure(name, title, 250, panel{p, 1})
	f.legend = legend
	return f
}

// ClassBalancedTerm draws the weight 1 / E(n) = (1 - beta) / (1 - beta^n) against the number n of images of a class (the
// paper's Figure 3, both axes logarithmic).
func ClassBalancedTerm(betas []float64) Figure {
	p := newPlot("training images n of the class", "class-balanced term 1 / E(n)")
	var all []Series
	const most = 10000
	lowest := 1.0
	for i, beta := range betas {
		s := Series{Name: "β = " + number(beta), Color: i}
		for k := 0; k <= 200; k++ {
			n := int(math.Round(math.Pow(most, float64(k)/200)))
			if len(s.X) > 0 && s.X[len(s.X)-1] == float64(n) {
				continue
			}
			y := 1 / loss.EffectiveNumber(n, beta)
			s.X, s.Y = append(s.X, float64(n)), append(s.Y, y)
			lowest = min(lowest, y)
		}
		all = append(all, s)
	}
	addGrid(p, true)
	legend := addSeries(p, all, "")
	logScale(&p.X, 1, most)
	logScale(&p.Y, lowest*0.8, 1.2)
	f := newFigure("class-balanced-term", "Class-balanced term (1 − β) / (1 − βⁿ)", 260, panel{p, 1})
	f.legend = legend
	return f
}

// EffectiveNumbers draws the effective number E(n) of each class of a long-tailed set for some betas, with the plain number
// of images (the paper's Figure 6). Errors as for ImagesPerClass.
func EffectiveNumbers(dataset string, factor float64, betas []float64) (Figure, error) {
	counts, err := data.Counts(data.Spec{Dataset: dataset, Imbalance: factor, Profile: "exp"})
	if err != nil {
		return Figure{}, fmt.Errorf("drawing the effective numbers of %s at factor %g: %w", dataset, factor, err)
	}
	p := newPlot("class, from most to fewest images", "effective number E(n)")
	images := Series{Name: "images n", Color: len(palette) - 1, Reference: true}
	hi := 1.0
	var all []Series
	for i, beta := range betas {
		s := Series{Name: "β = " + number(beta), Color: i, Marked: len(counts) <= 20}
		for c, n := range counts {
			s.X, s.Y = append(s.X, float64(c+1)), append(s.Y, loss.EffectiveNumber(n, beta))
		}
		all = append(all, s)
	}
	for c, n := range counts {
		images.X, images.Y = append(images.X, float64(c+1)), append(images.Y, float64(n))
		hi = max(hi, float64(n))
	}
	addGrid(p, false)
	legend := addSeries(p, append(all, images), "")
	rankTicks(&p.X, len(counts))
	logScale(&p.Y, 0.9, hi*1.2)
	name := fmt.Sprintf("effective-numbers-%s-if%g", dataset, factor)
	f := newFigure(name, fmt.Sprintf("Effective number of images a class, %s, IF %g", data.Label(dataset), factor), 260, panel{p, 1})
	f.legend = legend
	return f, nil
}

// rankTicks labels the ranks of classes: all of a few, every tenth of many.
func rankTicks(a *plot.Axis, classes int) {
	var values []float64
	var labels []string
	for rank := 1; rank <= classes; rank++ {
		if classes <= maxNamed || rank == 1 || rank%10 == 0 {
			values, labels = append(values, float64(rank)), append(labels, number(float64(rank)))
		}
	}
	a.Tick.Marker = at(values, labels)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
