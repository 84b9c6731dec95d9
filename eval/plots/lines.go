package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is a line of a chart. Points whose Y is NaN are gaps.
type Series struct {
	Name      string
	X, Y      []float64 // [points]
	Deviation []float64 // [points] half-height of the error bars; nil for none
	Reference bool      // drawn dashed with hollow markers: the paper's numbers beside ours
	Color     int       // index into the palette; series of the same colour belong together
	Marked    bool      // a marker at each point
}

// style is how a series is drawn, and its legend.
func (s Series) style() entry {
	e := entry{name: s.Name, line: draw.LineStyle{Color: seriesColor(s.Color), Width: 1.6}}
	cycle := s.Color / len(palette)
	e.line.Dashes = dashes[cycle%len(dashes)]
	if s.Reference {
		e.line.Width, e.line.Dashes = 1.1, dashes[1]
	}
	if s.Marked {
		e.glyph = draw.GlyphStyle{Color: e.line.Color, Radius: 3, Shape: glyphs[s.Color%len(glyphs)]}
		if s.Reference {
			e.glyph.Shape = hollow[s.Color%len(hollow)]
		}
	}
	return e
}

// segments are the runs of points without gaps.
func (s Series) segments() []plotter.XYs {
	var all []plotter.XYs
	open := false
	for i, x := range s.X {
		if math.IsNaN(s.Y[i]) || math.IsInf(s.Y[i], 0) {
			open = false
			continue
		}
		if !open {
			all = append(all, nil)
			open = true
		}
		all[len(all)-1] = append(all[len(all)-1], plotter.XY{X: x, Y: s.Y[i]})
	}
	return all
}

// Plot implements plot.Plotter.
func (s Series) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	e := s.style()
	for i, d := range s.Deviation {
		if d > 0 && !math.IsNaN(s.Y[i]) {
			s.errorBar(c, x(s.X[i]), y(s.Y[i]-d), y(s.Y[i]+d))
		}
	}
	for _, segment := range s.segments() {
		points := make([]vg.Point, len(segment))
		for i, v := range segment {
			points[i] = vg.Point{X: x(v.X), Y: y(v.Y)}
		}
		c.StrokeLines(e.line, c.ClipLinesXY(points)...)
		for _, pt := range points {
			if s.Marked || len(points) == 1 {
				g := e.glyph
				if g.Radius == 0 {
					g = draw.GlyphStyle{Color: e.line.Color, Radius: 2.5, Shape: draw.CircleGlyph{}}
				}
				c.DrawGlyph(g, pt)
			}
		}
	}
}

func (s Series) errorBar(c draw.Canvas, x, lo, hi vg.Length) {
	line := draw.LineStyle{Color: seriesColor(s.Color), Width: 0.9}
	const cap = 2.5
	c.StrokeLine2(line, x, lo, x, hi)
	c.StrokeLine2(line, x-cap, lo, x+cap, lo)
	c.StrokeLine2(line, x-cap, hi, x+cap, hi)
}

// DataRange implements plot.DataRanger.
func (s Series) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for i, x := range s.X {
		if math.IsNaN(s.Y[i]) || math.IsInf(s.Y[i], 0) {
			continue
		}
		d := 0.0
		if s.Deviation != nil {
			d = s.Deviation[i]
		}
		xmin, xmax = min(xmin, x), max(xmax, x)
		ymin, ymax = min(ymin, s.Y[i]-d), max(ymax, s.Y[i]+d)
	}
	return xmin, xmax, ymin, ymax
}

// addSeries draws the series and returns their legend: an entry for each name, and one that says what dashed lines are where
// both kinds are there. A chart without any point gets axes from 0 to 1 and says so.
func addSeries(p *plot.Plot, all []Series, dashed string) []entry {
	var legend []entry
	solid, reference := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		if len(s.segments()) > 0 {
			map[bool]map[string]bool{false: solid, true: reference}[s.Reference][s.Name] = true
		}
	}
	if len(solid)+len(reference) == 0 {
		noData(p)
		return nil
	}
	named := map[string]bool{"": true}
	for _, s := range all {
		if len(s.segments()) == 0 {
			continue
		}
		p.Add(s)
		if !named[s.Name] && s.Reference == !solid[s.Name] {
			named[s.Name] = true
			legend = append(legend, s.style())
		}
	}
	if len(reference) > 0 && dashed != "" {
		legend = append(legend, entry{name: dashed, line: draw.LineStyle{Color: ink, Width: 1.1, Dashes: dashes[1]}})
	}
	return legend
}

// noData says in the middle of a plot that there is nothing to draw.
func noData(p *plot.Plot) {
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	p.Add(message("no data"))
}

type message string

// Plot implements plot.Plotter.
func (m message) Plot(c draw.Canvas, _ *plot.Plot) {
	sty := textStyle(labelSize, false)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	c.FillText(sty, c.Center(), string(m))
}
