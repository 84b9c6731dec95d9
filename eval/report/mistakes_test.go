package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"regexp"
	"strings"
	"testing"

	"longtail/eval/evaltest"
)

// square is an image whose red, green and blue are the same everywhere, and whose first pixel is black.
func square(side, channels int, colour ...byte) Mistake {
	m := Mistake{Name: "a.png", Predicted: "dog", Probability: .5, Channels: channels, Height: side, Width: side}
	for c := range channels {
		plane := bytes.Repeat(colour[c:c+1], side*side)
		plane[0] = 0
		m.Pixels = append(m.Pixels, plane...)
	}
	return m
}

func decoded(t *testing.T, source string) (image.Image, string) {
	t.Helper()
	_, encoded, _ := strings.Cut(source, ";base64,")
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	m, kind, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return m, kind
}

func TestThumbnailsAreSmallAndTrue(t *testing.T) {
	for _, c := range []struct {
		side, channels, want int
		kind                 string
	}{{32, 3, 32, "png"}, {48, 1, 48, "png"}, {64, 3, 64, "jpeg"}, {128, 3, 128, "jpeg"}, {132, 3, 66, "jpeg"}, {256, 3, 128, "jpeg"}} {
		thumb, err := newThumb(square(c.side, c.channels, 200, 100, 40))
		if err != nil {
			t.Fatal(err)
		}
		m, kind := decoded(t, string(thumb.Source))
		r, g, b, _ := m.At(c.want/2, c.want/2).RGBA()
		want := [3]int{200, 100, 40}
		if c.channels == 1 {
			want = [3]int{200, 200, 200}
		}
		for i, v := range []uint32{r, g, b} {
			if d := int(v>>8) - want[i]; d < -4 || d > 4 {
				t.Errorf("side %d: colour %d is %d, want %d", c.side, i, v>>8, want[i])
			}
		}
		if kind != c.kind || m.Bounds().Dx() != c.want || m.Bounds().Dy() != c.want {
			t.Errorf("side %d: %s of %v", c.side, kind, m.Bounds())
		}
	}
	m := square(256, 3, 200, 100, 40)
	if p := m.reduced().Pix; p[0] != 150 || p[1] != 75 || p[2] != 30 || p[4] != 200 {
		t.Errorf("the mean of four pixels is %v", p[:8])
	}
}

// Names of files and classes are text of the page, whatever is in them; a run without its images says so.
func TestMistakesAreShownByClass(t *testing.T) {
	set := load(t, evaltest.Spec{})
	wrong := square(32, 3, 200, 100, 40)
	wrong.Name, wrong.Predicted, wrong.Probability = "a/<script>alert(1)</script>\xff\n.png", "<b>wolf", .987
	var b bytes.Buffer
	err := Write(&b, set, Options{Title: "x", Mistakes: []Mistakes{
		{Run: "first", Note: "a note", Classes: []ClassOfMistakes{{"dog & cat", 7, 9, []Mistake{wrong}}}},
		{Run: "second", Missing: "<gone>"}, {Run: "third"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		`href="#mistakes"`, "<b>dog &amp; cat</b>: 7 of 9 wrong", "<b>&lt;b&gt;wolf</b> 99 %", "&lt;script&gt;", `\xff\n.png`, "a note",
		"No images to show: &lt;gone&gt;", "None: every test image is recognised.", `src="data:image/png;base64,`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "\xff") {
		t.Error("a file's name is more than text")
	}
}

// However many classes there are, the page stays below 10 MB, and the first mistake of a class comes before the second one of another.
func TestThePageStaysSmall(t *testing.T) {
	noise := square(128, 3, 1, 2, 3)
	for i := range noise.Pixels {
		noise.Pixels[i] = byte(i * i * 2654435761 >> 13)
	}
	many := Mistakes{Run: "many"}
	for c := range 300 {
		class := ClassOfMistakes{Name: fmt.Sprint("class ", c), Wrong: 20, Tested: 30}
		for range 20 {
			class.Images = append(class.Images, noise)
		}
		many.Classes = append(many.Classes, class)
	}
	var b bytes.Buffer
	if err := Write(&b, load(t, evaltest.Spec{}), Options{Mistakes: []Mistakes{many}}); err != nil {
		t.Fatal(err)
	}
	sources := regexp.MustCompile(`src="(data:image/jpeg[^"]*)"`).FindAllStringSubmatch(b.String(), -1)
	left := regexp.MustCompile(`(\d+) more images are left out`).FindStringSubmatch(b.String())
	if b.Len() > 10_000_000 || len(sources) < 300 || left == nil || left[1] != fmt.Sprint(300*PerClass-len(sources)) {
		t.Errorf("%d bytes, %d images, left out %v", b.Len(), len(sources), left)
	}
	decoded(t, html.UnescapeString(sources[0][1]))
	if !strings.Contains(b.String(), "<b>class 299</b>") {
		t.Error("the last class has no image")
	}
}
