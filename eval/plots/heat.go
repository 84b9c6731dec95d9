package plots

import (
	"image"
	"math"

	"longtail/data"
	"longtail/eval"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// cells is a map: a coloured field for each value, row 0 at the top, with a text in each where there is room.
type cells struct {
	shade [][]float64 // [rows][columns] in [0, 1]; NaN is an empty field
	text  [][]string  // [rows][columns] or nil
}

// Plot implements plot.Plotter.
func (m cells) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	rows := len(m.shade)
	if m.text == nil && rows > maxNamed {
		c.DrawImage(vg.Rectangle{Min: vg.Point{X: x(-0.5), Y: y(-0.5)}, Max: vg.Point{X: x(float64(len(m.shade[0])) - 0.5), Y: y(float64(rows) - 0.5)}}, m.image())
		return
	}
	sty := textStyle(cellSize, false)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	for i, row := range m.shade {
		mid := float64(rows - 1 - i)
		for j, v := range row {
			col := viridis(v)
			x0, x1, y0, y1 := x(float64(j)-0.5), x(float64(j)+0.5), y(mid-0.5), y(mid+0.5)
			c.FillPolygon(col, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
			if m.text != nil {
				sty.Color = on(col)
				c.FillText(sty, vg.Point{X: (x0 + x1) / 2, Y: (y0 + y1) / 2}, m.text[i][j])
			}
		}
	}
}

// magnify is the side in pixels of a field in an image of many, so that no viewer blurs their edges away.
const magnify = 4

// image is the map as pixels: a hundred rows and columns would be ten thousand shapes.
func (m cells) image() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, magnify*len(m.shade[0]), magnify*len(m.shade)))
	for py := range img.Rect.Dy() {
		for px := range img.Rect.Dx() {
			img.SetRGBA(px, py, viridis(m.shade[py/magnify][px/magnify]))
		}
	}
	return img
}

// Confusion draws a confusion matrix [C][C], rows the true classes: each row's shares in per cent, written into the fields
// for few classes. Classes are sorted from most to fewest training images; names and counts are [C].
func Confusion(name, title string, names []string, counts []int, confusion [][]int64) Figure {
	order := data.ByFrequency(counts)
	few := len(order) <= maxNamed
	m := cells{}
	for _, t := range order {
		var total int64
		for _, n := range confusion[t] {
			total += n
		}
		shade, text := make([]float64, len(order)), make([]string, len(order))
		for j, p := range order {
			share := float64(confusion[t][p]) / max(1, float64(total))
			shade[j] = math.Sqrt(share)
			if percent := math.Round(100 * share); percent > 0 {
				text[j] = number(percent)
			}
		}
		m.shade = append(m.shade, shade)
		if few {
			m.text = append(m.text, text)
		}
	}
	suffix := ""
	if !few {
		suffix = ", rank by training images"
	}
	p := newPlot("predicted class"+suffix, "true class"+suffix)
	p.Add(m)
	matrixAxes(p, names, order)
	height := vg.Length(330)
	if len(order) > 10 {
		height = 400
	}
	// The square root shows the small shares, which are the mistakes.
	bar := scale("share of the true class (%)", []float64{0, 1, 5, 10, 25, 50, 75, 100}, func(v float64) float64 { return math.Sqrt(v / 100) })
	return newFigure(name, title, height, panel{p, 0.86}, panel{bar, 0.14})
}

func matrixAxes(p *plot.Plot, names []string, order []int) {
	n := len(order)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(n)-0.5, -0.5, float64(n)-0.5
	p.X.Padding, p.Y.Padding = 0, 0
	var xs, ys []float64
	var labels []string
	for rank, c := range order {
		label := eval.ClassName(names, c)
		if n > maxNamed {
			if (rank+1)%10 != 0 && rank != 0 {
				continue
			}
			label = number(float64(rank + 1))
		}
		xs, ys, labels = append(xs, float64(rank)), append(ys, float64(n-1-rank)), append(labels, label)
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = at(xs, labels), at(ys, labels)
	if n <= maxNamed {
		turn(&p.X)
	}
}

// scale is the bar below a map that says what its colours mean. place gives the shade of a value.
func scale(label string, values []float64, place func(float64) float64) *plot.Plot {
	p := newPlot(label, "")
	const steps = 128
	row := make([]float64, steps)
	for i := range row {
		row[i] = float64(i) / (steps - 1)
	}
	p.Add(colorBar(row))
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	p.Y.Tick.Marker = plot.ConstantTicks(nil)
	p.Y.Width, p.X.Padding, p.Y.Padding = 0, 0, 0
	places, labels := make([]float64, len(values)), make([]string, len(values))
	for i, v := range values {
		places[i], labels[i] = place(v), number(v)
	}
	p.X.Tick.Marker = at(places, labels)
	return p
}

type colorBar []float64

// Plot implements plot.Plotter.
func (b colorBar) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	n := float64(len(b))
	for i, v := range b {
		x0, x1 := x(float64(i)/n), x(float64(i+1)/n)
		c.FillPolygon(viridis(v), []vg.Point{{X: x0, Y: y(0)}, {X: x1 + 0.3, Y: y(0)}, {X: x1 + 0.3, Y: y(1)}, {X: x0, Y: y(1)}})
	}
}
