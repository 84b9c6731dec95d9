package mt19937

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// testdata/numpy.json is NumPy's own (testdata/make.py): every 13th of 1300 words, which cross two twists, and lists that one generator
// shuffles in turn.
func TestNumbersAreThoseOfNumPy(t *testing.T) {
	text, err := os.ReadFile("testdata/numpy.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		NumPy string
		Cases []struct {
			Seed     uint32
			Words    []uint32
			Shuffles [][]int32
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil || len(golden.Cases) == 0 {
		t.Fatalf("%d cases, %v", len(golden.Cases), err)
	}
	for _, c := range golden.Cases {
		g := New(c.Seed)
		for i, want := range c.Words {
			if got := g.Uint32(); got != want {
				t.Fatalf("seed %d: word %d is %d, NumPy %s has %d", c.Seed, 13*i, got, golden.NumPy, want)
			}
			for range 12 {
				g.Uint32()
			}
		}
		g = New(c.Seed)
		for _, want := range c.Shuffles {
			list := make([]int32, len(want))
			for i := range list {
				list[i] = int32(i)
			}
			if g.Shuffle(list); !slices.Equal(list, want) {
				t.Fatalf("seed %d: a list of %d becomes %v, NumPy %s has %v", c.Seed, len(want), list, golden.NumPy, want)
			}
		}
	}
}

// The 10,000th word of the default seed 5489, which the C++ standard names (26.6.5, mt19937).
func TestWordOfTheStandard(t *testing.T) {
	g := New(5489)
	for range 9999 {
		g.Uint32()
	}
	if got := g.Uint32(); got != 4123659995 {
		t.Errorf("the 10,000th word is %d", got)
	}
}
