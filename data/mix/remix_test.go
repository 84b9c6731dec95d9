package mix

import "testing"

// The label of the rarer class gets the whole image only where the counts are far apart and its share is large enough.
func TestRemix(t *testing.T) {
	for _, c := range []struct {
		n1, n2  int
		l, want float64
	}{
		{300, 100, 0.49, 0}, {300, 100, 0.5, 0.5}, {299, 100, 0.1, 0.1}, {100, 300, 0.51, 1}, {100, 300, 0.5, 0.5}, {100, 299, 0.9, 0.9},
		{100, 100, 0.3, 0.3}, {1, 10_000_000, 0.75, 1}, {10_000_000, 1, 0.25, 0},
	} {
		if got := Remix(c.n1, c.n2, c.l, 3, 0.5); got != c.want {
			t.Errorf("%d and %d images, share %v: %v, want %v", c.n1, c.n2, c.l, got, c.want)
		}
	}
}
