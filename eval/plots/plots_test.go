package plots

import (
	"bytes"
	"encoding/xml"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/eval"
	"longtail/eval/evaltest"
	"longtail/eval/paper"
	"longtail/internal/config"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
)

func made(s evaltest.Spec) *eval.Run {
	return &eval.Run{Dir: s.Name(), Summary: evaltest.Summary(s), History: evaltest.History(s), Config: config.Protocol(100, 200)}
}

// figures are all kinds of pictures, on few and on many classes, with and without data.
func figures(t *testing.T) map[string]Figure {
	t.Helper()
	runs := []*eval.Run{
		made(evaltest.Spec{Validation: 25}), made(evaltest.Spec{Seed: 1, Error: 31}), made(evaltest.Spec{Imbalance: 50, Error: 24}),
		made(evaltest.Spec{Loss: "focal", Gamma: 1, Beta: 0.9999, Error: 25}), made(evaltest.Spec{Loss: "focal", Gamma: 1, Error: 28}),
		made(evaltest.Spec{Dataset: "cifar100", Classes: 100, Error: 60}), made(evaltest.Spec{Dataset: "cifar20", Classes: 20, Error: 50}),
	}
	all, err := ForPaper(runs, eval.Last)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, ForRuns(runs, eval.Last)...)
	all = append(all, PerClass("side", "two runs", runs[0].Summary.ClassNames, runs[0].Summary.Counts, []ClassAccuracy{
		{"a", runs[0].Summary.Last.PerClass}, {"b", runs[3].Summary.Last.PerClass},
	}), Curves("none", "no history", nil),
		ErrorByFactor("synthetic10", nil, false))
	byKind := map[string]Figure{} // one of each kind for each number of classes
	for _, f := range all {
		kind, _, _ := strings.Cut(f.Name, "-if")
		byKind[strings.NewReplacer("cifar20", "", "figure9", "figure8", "figure10", "figure8").Replace(kind)] = f
	}
	for _, name := range []string{"side", "class-balanced-term", "confusion-cifar10", "confusion-cifar100"} {
		if _, ok := byKind[name]; !ok {
			t.Fatalf("no figure %s, which the tests choose by its name", name)
		}
	}
	return byKind
}

// rasterShort are the pictures that are drawn as pixels in short tests: the race detector makes that tens of times slower.
var rasterShort = map[string]bool{"side": true, "class-balanced-term": true, "confusion-cifar10": true}

func TestPicturesAreNotTrivial(t *testing.T) {
	for name, f := range figures(t) {
		if testing.Short() && !rasterShort[name] {
			continue
		}
		b, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		size := img.Bounds().Size()
		if w, h := f.Width.Dots(dpi), f.Height.Dots(dpi); math.Abs(float64(size.X)-w) > 1 || math.Abs(float64(size.Y)-h) > 1 {
			t.Errorf("%s: %v, want %g x %g", name, size, w, h)
		}
		colors := map[color.Color]bool{}
		ink := 0
		for y := 0; y < size.Y; y += 2 {
			for x := 0; x < size.X; x += 2 {
				c := img.At(x, y)
				colors[c] = true
				if r, g, b, _ := c.RGBA(); r+g+b < 3*0xFFFF*9/10 {
					ink++
				}
			}
		}
		if len(colors) < 20 || ink < size.X*size.Y/800 {
			t.Errorf("%s: %d colours, %d of %d pixels are not background", name, len(colors), ink, size.X*size.Y/4)
		}
		for x := 0; x < size.X; x++ {
			if r, g, b, _ := img.At(x, size.Y-1).RGBA(); r&g&b != 0xFFFF {
				t.Errorf("%s: something is cut off at the bottom edge", name)
				break
			}
		}
		for y := 0; y < size.Y; y++ {
			if r, g, b, _ := img.At(size.X-1, y).RGBA(); r&g&b != 0xFFFF {
				t.Errorf("%s: something is cut off at the right edge", name)
				break
			}
		}
	}
}

func TestPicturesAreTheSameEveryTime(t *testing.T) {
	first, second := figures(t), figures(t)
	for name, f := range first {
		formats := map[string]func(Figure) ([]byte, error){"svg": Figure.SVG}
		if name == "side" || name == "confusion-cifar100" { // one of lines and text, one with an image: rasters cost most
			formats["png"] = Figure.PNG
		}
		for format, encode := range formats {
			a, err := encode(f)
			if err != nil {
				t.Fatal(err)
			}
			b, err := encode(second[name])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Errorf("%s: the bytes of its %s differ", name, format)
			}
		}
	}
}

func TestSVGIsWellFormedAndComplete(t *testing.T) {
	for name, f := range figures(t) {
		b, err := f.SVG()
		if err != nil {
			t.Fatal(err)
		}
		text := checkXML(t, name, b)
		for _, word := range strings.Fields(f.Title) {
			if !strings.Contains(text, word) {
				t.Errorf("%s: its title lacks %q", name, word)
			}
		}
		inline, err := f.Inline()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(inline, "<svg ") || !strings.Contains(inline, "max-width") || strings.Contains(inline[:200], `pt" height="`) {
			t.Errorf("%s: not ready for a page: %.200s", name, inline)
		}
	}
}

// checkXML reads all of an SVG and returns its text.
func checkXML(t *testing.T, name string, b []byte) string {
	t.Helper()
	var text strings.Builder
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return text.String()
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c, ok := token.(xml.CharData); ok {
			text.Write(c)
			text.WriteByte(' ')
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	fast := made(evaltest.Spec{})
	fast.Config = config.Protocol(100, 12)
	runs := []*eval.Run{made(evaltest.Spec{}), made(evaltest.Spec{Imbalance: 10}), made(evaltest.Spec{Beta: 0.9}), fast, made(evaltest.Spec{Imbalance: 10, Seed: 3})}
	runs[4].Config = config.Protocol(10, 12)
	seen := map[string]bool{}
	for _, f := range ForRuns(runs, eval.Last) {
		if seen[f.Name] {
			t.Errorf("two figures are called %s", f.Name)
		}
		seen[f.Name] = true
	}
	for _, want := range []string{"error-by-factor-cifar10", "error-by-factor-cifar10-2", "error-by-beta-cifar10-if100", "per-class-cifar10-if100", "curves-cifar10-if10", "images-per-class-cifar10", "confusion-cifar10-if100-1"} {
		if !seen[want] {
			t.Errorf("no figure %s among %v", want, seen)
		}
	}
}

func TestPointsAreMeansOverSeeds(t *testing.T) {
	runs := []*eval.Run{made(evaltest.Spec{Error: 30}), made(evaltest.Spec{Error: 32, Seed: 1}), made(evaltest.Spec{Imbalance: 10})}
	points := Points(runs, eval.Last)
	want := eval.NewStat([]float64{runs[0].TestError(eval.Last), runs[1].TestError(eval.Last)})
	if len(points) != 2 || points[0].Error != want || points[0].Column != (paper.Column{Dataset: "cifar10", Imbalance: 100}) {
		t.Errorf("%+v, want first %+v", points, want)
	}
	if got := Points(runs, eval.BestByValidation); len(got) != 0 {
		t.Errorf("runs without validation have %v", got)
	}
}

func TestOfManyModelsThePlainAndTheBestAreShown(t *testing.T) {
	var models []paper.Model
	var points []Point
	for i, beta := range []float64{0, 0.9, 0.99, 0.999, 0.9999} {
		for j, loss := range []string{"softmax", "sigmoid"} {
			m := paper.NewModel(loss, 0, beta)
			models = append(models, m)
			// The last ones are best, and the very last has no run at the harder factor.
			for _, f := range []float64{10, 100}[:2-i*j/4] {
				points = append(points, Point{Column: paper.Column{Dataset: "cifar10", Imbalance: f}, Model: m, Error: eval.NewStat([]float64{f/10 + 40 - float64(2*i+j)})})
			}
		}
	}
	want := append(slices.Clone(models[:2]), models[len(models)-maxLines+2:]...)
	if d := cmp.Diff(want, bestModels(models, []float64{10, 100}, "cifar10", points)); d != "" {
		t.Error(d)
	}
}

func TestWriteMakesBothFiles(t *testing.T) {
	paths, err := ClassBalancedTerm([]float64{0, 0.9}).Write(t.TempDir() + "/new/folder")
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		if info, err := os.Stat(p); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", p, info, err)
		}
	}
}

func TestUnknownDataSetIsAnError(t *testing.T) {
	if _, err := ImagesPerClass("mnist", []float64{1}); err == nil {
		t.Error("mnist is drawn")
	}
	if _, err := EffectiveNumbers("cifar10", 0.01, []float64{0.9}); err == nil {
		t.Error("a factor below 1 is drawn")
	}
}

func TestLinearTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"}, {0, 100, "0 20 40 60 80 100"}, {53.1, 57.9, "54 55 56 57"},
		{-0.3, 1.7, "0.0 0.5 1.0 1.5"}, {5, 5, "5"}, {0.001, 0.0042, "0.001 0.002 0.003 0.004"},
	} {
		var labels []string
		for _, k := range (linear{}).Ticks(c.lo, c.hi) {
			labels = append(labels, k.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}

func TestDecades(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{{1, 10000, "1 10 100 1000 10000"}, {0.8, 30, "1 2 5 10 20"}} {
		var labels []string
		for _, k := range (decades{}).Ticks(c.lo, c.hi) {
			if k.Label != "" {
				labels = append(labels, k.Label)
			}
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}

func TestColours(t *testing.T) {
	if viridis(0) != viridisStops[0] || viridis(1) != viridisStops[10] || viridis(math.NaN()) != empty || viridis(2) != viridisStops[10] {
		t.Error("the ends of the map are wrong")
	}
	last := -1.0
	for i := range 101 {
		c := viridis(float64(i) / 100)
		l := 0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)
		if l <= last-0.5 {
			t.Errorf("at %d %% the map gets darker", i)
		}
		last = l
	}
	if on(viridis(0)) != color.White || on(viridis(1)) != color.Black {
		t.Error("text does not stand out")
	}
}

func TestWrap(t *testing.T) {
	measure := func(s string) vg.Length { return vg.Length(len(s)) }
	got := strings.Join(wrap("a bc  def ghijklmnop q", 6, measure), "|")
	if got != "a bc|def|ghijklmnop|q" {
		t.Error(got)
	}
}

func TestCut(t *testing.T) {
	measure := func(s string) vg.Length { return vg.Length(len([]rune(s))) }
	for width, want := range map[vg.Length]string{9: "äbc, defg", 8: "äbc, de…", 6: "äbc…", 1: "…", 0: "…"} {
		if got := cut("äbc, defg", width, measure); got != want {
			t.Errorf("%g: %q, want %q", width, got, want)
		}
	}
}

func TestSmooth(t *testing.T) {
	y := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	for i, v := range smooth(y) {
		if math.Abs(v-y[i]) > 1e-12 {
			t.Errorf("a straight line bends at %d: %g", i, v)
		}
	}
}

func TestPicturesStayInTheirFolder(t *testing.T) {
	for name, want := range map[string]string{"../../x": "_x", "a/b c": "a-b-c", "..": "_", "error-by-beta-cifar10-if0.5": "error-by-beta-cifar10-if0.5", "per-class-größe": "per-class-größe"} {
		if got := fileName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	parent := t.TempDir()
	f := ClassBalancedTerm([]float64{0.9})
	f.Name = "../../escaped"
	paths, err := f.Write(filepath.Join(parent, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if filepath.Dir(path) != filepath.Join(parent, "a", "b") {
			t.Errorf("%s is outside the folder", path)
		}
	}
}
