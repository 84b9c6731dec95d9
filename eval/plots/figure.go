package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"longtail/internal/disk"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// dpi of PNG pictures: twice a screen's pixels, sharp when shown at half size.
const dpi = 160

// Figure is a picture that is drawn when it is written.
type Figure struct {
	Name          string    // of the file, without extension
	Title         string    // drawn above
	Width, Height vg.Length // of the picture, in points

	legend []entry
	panels []panel
	gap    vg.Length // between panels
}

// panel is one of the plots of a figure, below each other with their data aligned.
type panel struct {
	plot  *plot.Plot
	share float64 // of the height
}

func newFigure(name, title string, height vg.Length, panels ...panel) Figure {
	return Figure{Name: name, Title: title, Width: figureWidth, Height: height, panels: panels}
}

const (
	figureWidth = 5.6 * vg.Inch
	margin      = 6
	chartGap    = 8 // between two charts: keeps the highest point of one off the numbers below the other
)

// draw paints the whole picture.
func (f Figure) draw(c draw.Canvas) {
	c.FillPolygon(color.White, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
	c = draw.Crop(c, margin, -margin, margin, -margin)
	c = drawTitle(c, f.Title)
	c = drawLegend(c, f.legend)
	rest, top := c.Max.Y-c.Min.Y, c.Max.Y
	parts := make([]placed, len(f.panels))
	var left, right vg.Length
	for i, p := range f.panels {
		part := c
		part.Max.Y = top
		if i > 0 {
			part.Max.Y -= f.gap
		}
		top -= rest * vg.Length(p.share)
		part.Min.Y = top
		parts[i] = place(p.plot, part)
		data := parts[i].plot.DataCanvas(parts[i].inside)
		left, right = max(left, data.Min.X-c.Min.X), max(right, c.Max.X-data.Max.X)
	}
	for _, p := range parts {
		p.draw(left, right, c.Rectangle)
	}
}

// PNG is the picture as a PNG file.
func (f Figure) PNG() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(dpi))
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("encoding %s as PNG: %w", f.Name, err)
	}
	return b.Bytes(), nil
}

// SVG is the picture as an SVG file. Its text asks for Liberation Sans, or Arial and Helvetica, which have the same widths.
func (f Figure) SVG() ([]byte, error) {
	c := vgsvg.NewWith(vgsvg.UseWH(f.Width, f.Height))
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("writing %s as SVG: %w", f.Name, err)
	}
	s := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;font-variant:normal;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	s = strings.Replace(s, "<svg ", `<svg role="img" aria-label="`+html.EscapeString(f.Title)+`" `, 1)
	return []byte(s), nil
}

// Inline is the picture as an SVG element for an HTML page; it shrinks with the page.
func (f Figure) Inline() (string, error) {
	b, err := f.SVG()
	if err != nil {
		return "", err
	}
	s := string(b)
	if i := strings.Index(s, "<svg "); i > 0 {
		s = s[i:]
	}
	size := fmt.Sprintf(`width="%.5gpt" height="%.5gpt" `, f.Width.Points(), f.Height.Points())
	return strings.Replace(s, size, fmt.Sprintf(`style="width:100%%;max-width:%.5gpt;height:auto" `, f.Width.Points()), 1), nil
}

// Write writes NAME.png and NAME.svg into a folder, each atomically, and returns their paths. The folder is made where it
// does not exist.
func (f Figure) Write(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("making the folder for pictures: %w", err)
	}
	var paths []string
	for _, format := range []struct {
		ext    string
		encode func() ([]byte, error)
	}{{".png", f.PNG}, {".svg", f.SVG}} {
		b, err := format.encode()
		if err != nil {
			return paths, err
		}
		path := filepath.Join(dir, fileName(f.Name)+format.ext)
		if err := disk.Write(path, b); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// fileName is a name as that of a file in the folder: whatever a system could take for a path or an option is a hyphen.
func fileName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r != '.' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return '-'
		}
		return r
	}, name)
	if rest := strings.TrimLeft(clean, ".-"); rest != clean {
		return "_" + rest
	}
	return clean
}
