package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PerClass is how many mistakes of a class the page shows at most.
const PerClass = 12

// Mistakes are test images that a run's network takes for another class.
type Mistakes struct {
	Run     string            // its name
	Missing string            // why they cannot be shown; empty where they can
	Note    string            // what a reader should know; may be empty
	Classes []ClassOfMistakes // those with mistakes
}

// ClassOfMistakes are the mistakes about images of one class.
type ClassOfMistakes struct {
	Name          string
	Wrong, Tested int       // test images
	Images        []Mistake // at most PerClass are shown, the first ones
}

// Mistake is an image that is taken for another class.
type Mistake struct {
	Name                    string // of its file, any bytes
	Predicted               string
	Probability             float64 // of the predicted class
	Pixels                  []byte  // [Channels, Height, Width]
	Channels, Height, Width int
}

// Bounds of what the page holds.
const (
	mistakeBytes = 6 << 20 // of the text of all thumbnails
	thumbSide    = 128     // larger images are reduced by a whole number
	pngSide      = 48      // larger thumbnails are JPEG
)

// mistakesOfRun is what the page shows of a run.
type mistakesOfRun struct {
	Mistakes
	Shown   []shownClass
	LeftOut int // images, to keep the page small
}

type shownClass struct {
	Name          string
	Wrong, Tested int
	Images        []thumb
}

type thumb struct {
	Source    template.URL
	Width     int // on the page
	Name      string
	Predicted string
	Percent   string
}

// showMistakes draws the thumbnails: the first one of all classes of all runs, then the second ones, until the page is full.
func showMistakes(all []Mistakes) ([]mistakesOfRun, error) {
	shown := make([]mistakesOfRun, len(all))
	for r, m := range all {
		shown[r].Mistakes = m
		for _, c := range m.Classes {
			shown[r].Shown = append(shown[r].Shown, shownClass{Name: c.Name, Wrong: c.Wrong, Tested: c.Tested})
		}
	}
	used := 0
	for k := range PerClass {
		for r, m := range all {
			for i, c := range m.Classes {
				if k >= len(c.Images) {
					continue
				}
				if used > mistakeBytes {
					shown[r].LeftOut++
					continue
				}
				t, err := newThumb(c.Images[k])
				if err != nil {
					return nil, err
				}
				used += len(t.Source)
				shown[r].Shown[i].Images = append(shown[r].Shown[i].Images, t)
			}
		}
	}
	return shown, nil
}

// newThumb draws a mistake.
func newThumb(m Mistake) (thumb, error) {
	img := m.reduced()
	var b bytes.Buffer
	kind, err := "png", error(nil)
	if img.Bounds().Dx() <= pngSide {
		err = png.Encode(&b, img)
	} else {
		kind, err = "jpeg", jpeg.Encode(&b, img, &jpeg.Options{Quality: 85})
	}
	if err != nil {
		return thumb{}, fmt.Errorf("drawing %s: %w", visible(m.Name), err)
	}
	source := template.URL("data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(b.Bytes())) // drawn here from pixels
	return thumb{source, min(max(img.Bounds().Dx(), 2*pngSide), thumbSide), visible(m.Name), m.Predicted, fmt.Sprintf("%.0f %%", 100*m.Probability)}, nil
}

// reduced is the image, the means of squares of pixels where it is large. The first channel stands for those that are missing.
func (m *Mistake) reduced() *image.RGBA {
	k := max((max(m.Height, m.Width)+thumbSide-1)/thumbSide, 1)
	img := image.NewRGBA(image.Rect(0, 0, m.Width/k, m.Height/k))
	mean := func(channel, y, x int) uint8 {
		if channel >= m.Channels {
			channel = 0
		}
		sum := 0
		for dy := range k {
			for dx := range k {
				sum += int(m.Pixels[(channel*m.Height+y*k+dy)*m.Width+x*k+dx])
			}
		}
		return uint8((sum + k*k/2) / (k * k))
	}
	for y := range m.Height / k {
		for x := range m.Width / k {
			img.SetRGBA(x, y, color.RGBA{mean(0, y, x), mean(1, y, x), mean(2, y, x), 255})
		}
	}
	return img
}

// visible is a file's name for a page: in quotes where it has what cannot be seen.
func visible(name string) string {
	if utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return name
	}
	return strconv.Quote(name)
}
