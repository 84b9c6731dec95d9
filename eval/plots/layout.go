package plots

import (
	"image/color"
	"math"
	"sort"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// entry is one line of a legend.
type entry struct {
	name  string
	line  draw.LineStyle  // zero width: none
	glyph draw.GlyphStyle // zero radius: none
	fill  color.Color     // of a box; nil: none
}

// drawTitle writes a title at the top, in several lines where it is long, and returns what is left of the canvas.
func drawTitle(c draw.Canvas, title string) draw.Canvas {
	sty := textStyle(titleSize, true)
	sty.YAlign = draw.YTop
	for _, line := range wrap(title, c.Max.X-c.Min.X, sty.Width) {
		c.FillText(sty, vg.Point{X: c.Min.X, Y: c.Max.Y}, line)
		c.Max.Y -= 1.25 * titleSize
	}
	c.Max.Y -= 0.5 * titleSize
	return c
}

// wrap breaks a text between words so that no line is wider than width, words that are wider aside.
func wrap(s string, width vg.Length, measure func(string) vg.Length) []string {
	var lines []string
	for _, word := range strings.Fields(s) {
		if n := len(lines); n > 0 && measure(lines[n-1]+" "+word) <= width {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// cut shortens a text to a width, with an ellipsis where it is too long.
func cut(s string, width vg.Length, measure func(string) vg.Length) string {
	if measure(s) <= width {
		return s
	}
	runes := []rune(s)
	n := sort.Search(len(runes), func(n int) bool { return measure(string(runes[:n+1])+"…") > width })
	return strings.TrimRight(string(runes[:n]), " ,") + "…"
}

const (
	thumbnail = 22 // width of a legend's sample
	legendGap = 14 // between entries
)

// drawLegend writes the entries in rows at the top and returns what is left of the canvas.
func drawLegend(c draw.Canvas, entries []entry) draw.Canvas {
	if len(entries) == 0 {
		return c
	}
	sty := textStyle(tickSize, false)
	sty.YAlign = draw.YCenter
	const row = 1.45 * tickSize
	x, y := c.Min.X, c.Max.Y-row/2
	for _, e := range entries {
		name := cut(e.name, c.Max.X-c.Min.X-thumbnail-4, sty.Width)
		width := thumbnail + 4 + sty.Width(name)
		if x > c.Min.X && x+width > c.Max.X {
			x, y = c.Min.X, y-row
		}
		e.thumbnail(c, x, y)
		c.FillText(sty, vg.Point{X: x + thumbnail + 4, Y: y}, name)
		x += width + legendGap
	}
	c.Max.Y = y - row/2 - 4
	return c
}

func (e entry) thumbnail(c draw.Canvas, x, y vg.Length) {
	if e.fill != nil {
		const half = 4
		c.FillPolygon(e.fill, []vg.Point{{X: x + 6, Y: y - half}, {X: x + thumbnail - 2, Y: y - half}, {X: x + thumbnail - 2, Y: y + half}, {X: x + 6, Y: y + half}})
	}
	if e.line.Width > 0 {
		c.StrokeLine2(e.line, x, y, x+thumbnail, y)
	}
	if e.glyph.Radius > 0 {
		c.DrawGlyph(e.glyph, vg.Point{X: x + thumbnail/2, Y: y})
	}
}

// placed is a plot without its axis labels in the space that is left beside them. gonum puts the label of a logarithmic axis
// off its centre, and a wide gap around it; so labels are drawn here.
type placed struct {
	plot         *plot.Plot
	inside       draw.Canvas
	whole        draw.Canvas
	xText, yText string
}

const labelRoom = 1.6 * labelSize

func place(p *plot.Plot, c draw.Canvas) placed {
	bare := *p
	bare.X.Label.Text, bare.Y.Label.Text = "", ""
	out := placed{plot: &bare, whole: c, inside: c, xText: p.X.Label.Text, yText: p.Y.Label.Text}
	if out.xText != "" {
		out.inside.Min.Y += labelRoom
	}
	if out.yText != "" {
		out.inside.Min.X += labelRoom
	}
	return out
}

// draw paints the plot with its data left and right of those of a figure's other plots, and its labels.
func (p placed) draw(left, right vg.Length, outer vg.Rectangle) {
	data := p.plot.DataCanvas(p.inside)
	inside := draw.Crop(p.inside, left-(data.Min.X-outer.Min.X), -(right - (outer.Max.X - data.Max.X)), 0, 0)
	p.plot.Draw(inside)
	data = p.plot.DataCanvas(inside)
	sty := textStyle(labelSize, false)
	sty.XAlign = draw.XCenter
	if p.xText != "" {
		sty.YAlign = draw.YBottom
		p.whole.FillText(sty, vg.Point{X: (data.Min.X + data.Max.X) / 2, Y: p.whole.Min.Y + 2}, p.xText)
	}
	if p.yText != "" {
		sty.Rotation, sty.YAlign = math.Pi/2, draw.YTop
		p.whole.FillText(sty, vg.Point{X: p.whole.Min.X, Y: (data.Min.Y + data.Max.Y) / 2}, p.yText)
	}
}
