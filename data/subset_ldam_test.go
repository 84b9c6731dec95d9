package data

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"longtail/internal/fail"
)

// testdata/ldam.json was drawn with NumPy by the lines of the authors' own program (testdata/ldam.py).
func TestLDAMDrawIsNumPys(t *testing.T) {
	text, err := os.ReadFile("testdata/ldam.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Classes int
		Seed    uint32
		Counts  []int
		Chosen  []int32
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		labels := make([]int32, 2000)
		for i := range labels {
			labels[i] = int32(i * i * 7 % 11 % c.Classes)
		}
		if got := ldamDraw(c.Seed, byClass(labels, c.Classes), c.Counts); !slices.Equal(got, c.Chosen) {
			t.Errorf("%d classes, seed %d: the subset begins with %v, theirs with %v", c.Classes, c.Seed, got[:8], c.Chosen[:8])
		}
	}
}

// data.split=ldam has the counts of the spec, says in its record how it was drawn, and is another subset than the seeded one.
func TestLDAMSplitOfASpec(t *testing.T) {
	s := Spec{Dataset: "synthetic10", Imbalance: 10, Validation: 0.1, Draw: LDAMDraw}
	split, labels := drawn(t, s)
	want, err := Counts(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := count(labels, split.Indices, 10); !slices.Equal(got, want) || !slices.Equal(split.Counts, want) || split.Draw != LDAMDraw {
		t.Errorf("counts %v, want %v; drawn by %q", got, want, split.Draw)
	}
	s.Draw = SeedDraw
	if seeded, _ := drawn(t, s); slices.Equal(seeded.Indices, split.Indices) || seeded.Draw != "" {
		t.Errorf("the seeded subset is the same, drawn by %q", seeded.Draw)
	}
	for _, bad := range []Spec{
		{Dataset: "synthetic10", Imbalance: 10, Draw: LDAMDraw, SplitSeed: math.MaxUint32 + 1},
		{Dataset: "synthetic10", Imbalance: 10, Draw: "ldma"},
	} {
		if err := Check(bad); fail.Code(err) != fail.CodeUsage {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
