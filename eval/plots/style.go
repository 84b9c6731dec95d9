// Package plots draws what runs, tables and formulas say, as PNG and SVG with the same bytes every time: labelled axes, a
// legend that covers no data, and colours that colour-blind people can tell apart (Okabe and Ito's for series, viridis for
// maps). Lines differ in marker and dash too.
package plots

import (
	"image/color"
	"math"
	"strconv"

	xfnt "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Font sizes in points. A picture is 5.6 inches wide, so that these are still readable on a phone's 360 pixels.
const (
	titleSize = 12
	labelSize = 11
	tickSize  = 10
	cellSize  = 8.5
)

// palette is Okabe and Ito's (2008, "Color Universal Design"), without yellow, which does not show on white.
var palette = [...]color.RGBA{
	{0x00, 0x72, 0xB2, 0xFF}, // blue
	{0xD5, 0x5E, 0x00, 0xFF}, // vermilion
	{0x00, 0x9E, 0x73, 0xFF}, // bluish green
	{0xCC, 0x79, 0xA7, 0xFF}, // reddish purple
	{0xE6, 0x9F, 0x00, 0xFF}, // orange
	{0x56, 0xB4, 0xE9, 0xFF}, // sky blue
	{0x00, 0x00, 0x00, 0xFF}, // black
}

var (
	dashes = [...][]vg.Length{nil, {6, 3}, {2, 2}, {8, 3, 2, 3}}
	glyphs = [...]draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{},
	}
	hollow = [...]draw.GlyphDrawer{draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}}
	ink    = color.RGBA{0x22, 0x22, 0x22, 0xFF}
	faint  = color.RGBA{0xE4, 0xE4, 0xE4, 0xFF}
	empty  = color.RGBA{0xEE, 0xEE, 0xEE, 0xFF} // a map's cell without a value
)

func seriesColor(i int) color.RGBA { return palette[i%len(palette)] }

// viridisStops are equally spaced colours of matplotlib's viridis map (CC0).
var viridisStops = [...]color.RGBA{
	{0x44, 0x01, 0x54, 0xFF}, {0x48, 0x24, 0x75, 0xFF}, {0x41, 0x44, 0x87, 0xFF}, {0x35, 0x5F, 0x8D, 0xFF}, {0x2A, 0x78, 0x8E, 0xFF}, {0x21, 0x91, 0x8C, 0xFF},
	{0x22, 0xA8, 0x84, 0xFF}, {0x44, 0xBF, 0x70, 0xFF}, {0x7A, 0xD1, 0x51, 0xFF}, {0xBD, 0xDF, 0x26, 0xFF}, {0xFD, 0xE7, 0x25, 0xFF},
}

// viridis is the colour of x in [0, 1], dark to bright; NaN gets the colour of an empty cell.
func viridis(x float64) color.RGBA {
	if math.IsNaN(x) {
		return empty
	}
	x = min(1, max(0, x)) * float64(len(viridisStops)-1)
	i := min(int(x), len(viridisStops)-2)
	a, b, t := viridisStops[i], viridisStops[i+1], x-float64(i)
	mix := func(p, q uint8) uint8 { return uint8(math.Round(float64(p)*(1-t) + float64(q)*t)) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xFF}
}

// on is black or white, whichever reads better on c (relative luminance of ITU-R BT.709).
func on(c color.RGBA) color.Color {
	if 0.2126*float64(c.R)+0.7152*float64(c.G)+0.0722*float64(c.B) > 128 {
		return color.Black
	}
	return color.White
}

func textStyle(size vg.Length, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfnt.WeightBold
	}
	return text.Style{Color: ink, Font: font.From(f, size), Handler: text.Plain{Fonts: font.DefaultCache}}
}

// newPlot is an empty plot in the house style; its title is drawn by Figure, not by gonum.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Width = ink, 0.6
		a.Label.TextStyle = textStyle(labelSize, false)
		a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
		a.Label.Padding = 3
		a.Tick.Label = textStyle(tickSize, false)
		a.Tick.Color, a.Tick.Width, a.Tick.Length = ink, 0.6, 4
		a.Padding = 4
		a.Tick.Marker = linear{}
	}
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	p.X.Label.Text, p.Y.Label.Text = x, y
	return p
}

// addGrid draws faint lines at the labelled ticks of the y axis, and of the x axis where asked.
func addGrid(p *plot.Plot, x bool) {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = faint, faint
	g.Horizontal.Dashes, g.Vertical.Dashes = nil, nil
	g.Horizontal.Width, g.Vertical.Width = 0.6, 0.6
	if !x {
		g.Vertical.Color = nil
	}
	p.Add(g)
}

// decades are the ticks of a logarithmic axis: labels at the powers of ten, and, unless the axis is short, at 2 and 5 times
// them where those are few.
type decades struct{ short bool }

// Ticks implements plot.Ticker.
func (d decades) Ticks(lo, hi float64) []plot.Tick {
	few := hi/lo < 300 && !d.short
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 || few && (m == 2 || m == 5) {
				t.Label = shortNumber(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// linear are about five labelled ticks at round numbers.
type linear struct{}

// Ticks implements plot.Ticker.
func (linear) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) {
		return []plot.Tick{{Value: lo, Label: shortNumber(lo)}}
	}
	const wanted = 5
	rough := (hi - lo) / wanted
	unit := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * unit
	for _, m := range []float64{5, 2, 1} {
		if m*unit >= rough {
			step = m * unit
		}
	}
	digits := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	var ticks []plot.Tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi*(1+1e-12); k++ {
		v := k * step
		if v == 0 {
			v = 0 // not -0
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', digits, 64)})
	}
	return ticks
}

// logScale makes an axis logarithmic from lo to hi, both above 0.
func logScale(a *plot.Axis, lo, hi float64) {
	a.Min, a.Max = lo, hi
	a.Scale = plot.LogScale{}
	a.Tick.Marker = decades{}
}

// at puts labelled ticks at given values.
func at(values []float64, labels []string) plot.ConstantTicks {
	ticks := make(plot.ConstantTicks, len(values))
	for i, v := range values {
		ticks[i] = plot.Tick{Value: v, Label: labels[i]}
	}
	return ticks
}

// shortNumber writes the numbers of an axis: 0.001, 20, 10000.
func shortNumber(v float64) string {
	if v >= 1 && v < 1e6 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
