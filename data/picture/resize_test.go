package picture

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image"
	"os"
	"testing"
)

// testdata/pillow.json was made by testdata/pillow.py.
func TestSquaresArePillows(t *testing.T) {
	text, err := os.ReadFile("testdata/pillow.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Width, Height, Size int
		SHA256              string
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		source := func(y, first int, to []byte) {
			for i := range to {
				x, channel := first+i/3, i%3
				to[i] = byte(x*x*7 + y*13 + channel*29 + x*y%251)
			}
		}
		sum := sha256.Sum256(centre(source, c.Width, c.Height, c.Size))
		if got := hex.EncodeToString(sum[:]); got != c.SHA256 {
			t.Errorf("%d x %d to %d: SHA-256 %s, Pillow's %s", c.Width, c.Height, c.Size, got, c.SHA256)
		}
	}
}

// Stripes of one pixel become an even grey where ten of them fall on a pixel of the result: nothing aliases.
func TestReducingAveragesFineStripes(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 640, 640))
	for i := range m.Pix {
		m.Pix[i] = byte(255 * (i % 2))
	}
	for i, v := range centre(rowsOf(m, m.Rect, [3]byte{}), 640, 640, 64) {
		if v < 120 || v > 135 {
			t.Fatalf("byte %d is %d", i, v)
		}
	}
}

// Where 0 1 / 2 3 is stored, each orientation shows these, as the EXIF standard describes them.
func TestOrientations(t *testing.T) {
	for orientation, want := range map[int]string{
		1: "0123", 2: "1032", 3: "3210", 4: "2301", 5: "0213", 6: "2031", 7: "3120", 8: "1302",
	} {
		got := ""
		for _, v := range orient([]byte{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}, 2, orientation)[4:8] {
			got += string('0' + v)
		}
		if got != want {
			t.Errorf("orientation %d shows %s, want %s", orientation, got, want)
		}
	}
}
