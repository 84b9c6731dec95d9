package picture_test

import (
	"bytes"
	"image"
	"image/color"
	"strings"
	"testing"

	"longtail/data/picture"
	"longtail/data/picture/picturetest"
)

var red = [3]byte{255, 0, 0}

// square is that of an image file, with a red background.
func square(t *testing.T, name string, file []byte, size int) []byte {
	t.Helper()
	got, err := picture.Square(file, size, red, picture.DefaultLimits())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return got
}

// compare compares two squares; lossy formats may differ by so much.
func compare(t *testing.T, name string, got, want []byte, tolerance int) {
	t.Helper()
	for i := range want {
		if d := int(got[i]) - int(want[i]); d > tolerance || -d > tolerance {
			t.Fatalf("%s: byte %d of %d is %d, want %d", name, i, len(want), got[i], want[i])
		}
	}
}

func TestEveryFormShowsTheSamePicture(t *testing.T) {
	want := square(t, "plain.png", picturetest.PNG(picturetest.Base()), 40)
	for i, v := range want[:40] { // the centre of the first row: columns 10 to 49 of 60
		if v != byte(255*(10+i)/59) {
			t.Fatalf("red of column %d is %d", i, v)
		}
	}
	for name, file := range picturetest.Valid() {
		tolerance := 12
		switch {
		case strings.HasPrefix(name, "turned.png"), name == "sixteen.png", name == "lossless.webp":
			tolerance = 0
		case name == "first.gif":
			tolerance = 9 // half a step of its palette
		}
		compare(t, name, square(t, name, file, 40), want, tolerance)
	}
	clear := square(t, "alpha.png", picturetest.PNG(picturetest.Clear()), 32)
	if clear[31] > 240 {
		t.Error("the transparent columns are cut away: they are to be seen at the right edge of the long side alone")
	}
}

// Transparent pixels show the background. The image is its centre, so that it is cut to where half is transparent.
func TestTransparencyShowsTheBackground(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	for i := range 40 * 40 {
		m.SetNRGBA(i%40, i/40, color.NRGBA{0, 200, 100, uint8(51 * (i % 40 / 8))}) // alpha 0, 1/5 ... 4/5 in five columns
	}
	got := square(t, "steps", picturetest.PNG(m), 40)
	for column, a := range []int{0, 51, 102, 153, 204} {
		x := 8*column + 4
		want := [3]int{255 - a, 200 * a / 255, 100 * a / 255}
		for c, v := range want {
			if d := int(got[(c*40+20)*40+x]) - v; d < -1 || d > 1 {
				t.Errorf("alpha %d, channel %d: %d, want %d", a, c, got[(c*40+20)*40+x], v)
			}
		}
	}
	want := square(t, "alpha.png", picturetest.Transparent()["alpha.png"], 40)
	for name, file := range picturetest.Transparent() {
		compare(t, name, square(t, name, file, 40), want, 12)
	}
}

func TestGreyAndPalettes(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 40, 40))
	grey16 := image.NewGray16(grey.Rect)
	palette := image.NewPaletted(grey.Rect, color.Palette{color.NRGBA{10, 20, 30, 255}, color.NRGBA{0, 0, 0, 0}})
	for i := range grey.Pix {
		grey.Pix[i] = byte(i % 40 * 6)
		grey16.SetGray16(i%40, i/40, color.Gray16{uint16(i%40*6) * 257})
		palette.Pix[i] = byte(i % 40 / 20)
	}
	want := square(t, "grey", picturetest.PNG(grey), 40)
	if want[39] != 234 || want[1600+39] != 234 {
		t.Errorf("grey of the last column is %d", want[39])
	}
	compare(t, "16 bits", square(t, "16 bits", picturetest.PNG(grey16), 40), want, 0)
	compare(t, "grey JPEG", square(t, "grey JPEG", picturetest.JPEG(grey), 40), want, 8)
	got := square(t, "palette", picturetest.PNG(palette), 40)
	if got[0] != 10 || got[1600] != 20 || got[39] != 255 || got[1600+39] != 0 {
		t.Errorf("colours %d, %d, then %d, %d", got[0], got[1600], got[39], got[1600+39])
	}
}

// A GIF's frame that covers a part of the canvas lies on the background.
func TestFrameOfAGIF(t *testing.T) {
	file := picturetest.GIF(image.NewNRGBA(image.Rect(10, 20, 30, 40)), 1) // the canvas is 30 x 40
	got := square(t, "part", file, 30)
	if got[0] != 255 || got[900] != 0 || got[20*30+15] == 255 {
		t.Errorf("corner %d, %d, frame %d", got[0], got[900], got[20*30+15])
	}
}

func TestBadFilesAreErrors(t *testing.T) {
	for name, bad := range picturetest.Bad() {
		if _, err := picture.Square(bad.Content, 32, red, picture.DefaultLimits()); err == nil || !strings.Contains(err.Error(), bad.Reason) {
			t.Errorf("%s: %v, want %q", name, err, bad.Reason)
		}
	}
	small := picture.Limits{Bytes: 100, Pixels: 1 << 30}
	if _, err := picture.Inspect(picturetest.PNG(picturetest.Base()), small); err == nil || !strings.Contains(err.Error(), "limit of 100") {
		t.Errorf("a long file: %v", err)
	}
}

// What is no image is an error, never a panic or a great deal of memory.
func FuzzSquare(f *testing.F) {
	for _, file := range picturetest.Valid() {
		f.Add(file)
	}
	for _, file := range picturetest.Transparent() {
		f.Add(file)
	}
	for _, bad := range picturetest.Bad() {
		f.Add(bad.Content)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		limits := picture.Limits{Bytes: 1 << 20, Pixels: 1 << 20}
		got, err := picture.Square(file, 32, red, limits)
		if err == nil && len(got) != 3*32*32 {
			t.Errorf("%d bytes", len(got))
		}
		again, err2 := picture.Square(file, 32, red, limits)
		if !bytes.Equal(got, again) || (err == nil) != (err2 == nil) {
			t.Error("the second time is another")
		}
	})
}
