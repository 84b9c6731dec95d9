package plots

import (
	"image/color"
	"math"

	"longtail/data"
	"longtail/eval"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ClassAccuracy is the accuracy of each class of one run or group.
type ClassAccuracy struct {
	Name     string
	Accuracy []float64 // [C] in [0, 1]
}

// maxNamed is the number of classes up to which each gets its name and a bar; more are lines over ranks.
const maxNamed = 20

// PerClass draws the accuracy of each class for one or more runs, classes sorted from most to fewest training images, with
// the numbers of training images below. names and counts are [C].
func PerClass(name, title string, names []string, counts []int, runs []ClassAccuracy) Figure {
	order := data.ByFrequency(counts)
	few := len(counts) <= maxNamed
	top := newPlot("", "accuracy (%)")
	percentAxis(&top.Y)
	addGrid(top, false)
	var legend []entry
	for i, r := range runs {
		y := make([]float64, len(order))
		for rank, c := range order {
			y[rank] = 100 * r.Accuracy[c]
		}
		if few && len(runs) <= 4 {
			b := bars{y: y, slot: i, slots: len(runs), color: seriesColor(i)}
			top.Add(b)
			legend = append(legend, entry{name: r.Name, fill: b.color})
			continue
		}
		s := ranked(y)
		s.Name, s.Color, s.Marked = r.Name, i, few
		if !few {
			points := s
			points.Name = ""
			top.Add(dots{points})
			s.Y = smooth(y)
		}
		legend = append(legend, addSeries(top, []Series{s}, "")...)
	}
	percentAxis(&top.Y)
	bottom := newPlot("class, from most to fewest training images", "images")
	images, most := make([]float64, len(order)), 10.0
	for rank, c := range order {
		images[rank] = float64(counts[c])
		most = max(most, images[rank])
	}
	addGrid(bottom, false)
	bottom.Add(bars{y: images, slots: 1, color: color.RGBA{0x99, 0x99, 0x99, 0xFF}, base: lowest, labelled: few})
	logScale(&bottom.Y, lowest, most*room)
	bottom.Y.Tick.Marker = decades{short: true}
	for _, p := range []*plot.Plot{top, bottom} {
		p.X.Min, p.X.Max = -0.5, float64(len(order))-0.5
		p.X.Padding = 0
	}
	classTicks(top, bottom, names, order)
	f := newFigure(name, title, 360, panel{top, 0.58}, panel{bottom, 0.42})
	if !few {
		f = newFigure(name, title, 320, panel{top, 0.66}, panel{bottom, 0.34})
	}
	f.gap = chartGap
	if len(runs) > 1 {
		f.legend = legend
	}
	return f
}

// lowest is where the bars of image counts start, below 1 so that a single image shows, and room leaves space for the number
// above the tallest.
const (
	lowest = 0.7
	room   = 5
)

// percentAxis is an axis from 0 to 100.
func percentAxis(a *plot.Axis) {
	a.Min, a.Max = 0, 100
	a.Tick.Marker = at([]float64{0, 25, 50, 75, 100}, []string{"0", "25", "50", "75", "100"})
}

// classTicks names the classes below the lower plot: their names, turned, for few classes and every tenth rank for many.
func classTicks(top, bottom *plot.Plot, names []string, order []int) {
	var values []float64
	var labels, none []string
	for rank, c := range order {
		if len(order) > maxNamed && (rank+1)%10 != 0 && rank != 0 {
			continue
		}
		values, none = append(values, float64(rank)), append(none, "")
		if len(order) > maxNamed {
			labels = append(labels, number(float64(rank+1)))
		} else {
			labels = append(labels, eval.ClassName(names, c))
		}
	}
	top.X.Tick.Marker, bottom.X.Tick.Marker = at(values, none), at(values, labels)
	if len(order) <= maxNamed {
		turn(&bottom.X)
	}
}

// turn slants an axis's labels so that long ones do not run into each other.
func turn(a *plot.Axis) {
	a.Tick.Label.Rotation = math.Pi / 5
	a.Tick.Label.XAlign, a.Tick.Label.YAlign = draw.XRight, draw.YCenter
	a.Tick.Length = 0
	ticks, _ := a.Tick.Marker.(plot.ConstantTicks)
	for i := range ticks {
		ticks[i].Label += "  " // keeps the end of the text off the axis
	}
}

func ranked(y []float64) Series {
	s := Series{Y: y, X: make([]float64, len(y))}
	for i := range y {
		s.X[i] = float64(i)
	}
	return s
}

// smoothing is the number of neighbouring ranks in the moving mean of a chart with many classes.
const smoothing = 9

// smooth is the centred moving mean, over fewer values at the ends.
func smooth(y []float64) []float64 {
	out := make([]float64, len(y))
	for i := range y {
		half := min(smoothing/2, i, len(y)-1-i)
		for _, v := range y[i-half : i+half+1] {
			out[i] += v / float64(2*half+1)
		}
	}
	return out
}

// bars are vertical bars at 0, 1, 2, ...; several sets stand side by side in slots.
type bars struct {
	y     []float64
	slot  int
	slots int
	color color.RGBA
	base  float64

	labelled bool // the value above each bar
}

// barShare is how much of a place its bars fill.
const barShare = 0.8

// Plot implements plot.Plotter.
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	width := barShare / float64(b.slots)
	for i, v := range b.y {
		if math.IsNaN(v) || v <= b.base {
			continue
		}
		left := float64(i) - barShare/2 + float64(b.slot)*width
		x0, x1, y0, y1 := x(left), x(left+width), y(b.base), y(v)
		c.FillPolygon(b.color, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
		if b.labelled {
			sty := textStyle(cellSize, false)
			sty.XAlign, sty.YAlign = draw.XCenter, draw.YBottom
			c.FillText(sty, vg.Point{X: (x0 + x1) / 2, Y: y1 + 1}, number(v))
		}
	}
}

// dots are the points of a series without their line, small and light.
type dots struct{ Series }

// Plot implements plot.Plotter.
func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	col := seriesColor(d.Color)
	light := func(v uint8) uint8 { return uint8(255 - (255-int(v))*45/100) }
	g := draw.GlyphStyle{Color: color.RGBA{light(col.R), light(col.G), light(col.B), 255}, Radius: 1.6, Shape: draw.CircleGlyph{}}
	for i, v := range d.Y {
		c.DrawGlyph(g, vg.Point{X: x(d.X[i]), Y: y(v)})
	}
}
