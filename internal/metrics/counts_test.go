package metrics

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Counts become a matrix, cells and a tally, and come back from the first two.
func TestCountsAreAMatrixWithoutZeros(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.IntRange(1, 7).Draw(t, "classes")
		class := rapid.Int32Range(0, int32(classes)-1)
		counts, matrix := Counts{}, make([][]int64, classes)
		for c := range matrix {
			matrix[c] = make([]int64, classes)
		}
		for range rapid.IntRange(0, 30).Draw(t, "samples") {
			pair := Pair{class.Draw(t, "label"), class.Draw(t, "predicted")}
			counts.Add(Counts{pair: 1})
			matrix[pair.Label][pair.Predicted]++
		}
		flat := slices.Concat(matrix...)
		if !slices.Equal(counts.Flat(classes), flat) || !maps.Equal(FromFlat(flat, classes), counts) {
			t.Errorf("%v is %v", counts, flat)
		}
		back, ok := FromCells(counts.Cells(), classes)
		if !ok || !maps.Equal(back, counts) {
			t.Errorf("%v came back as %v", counts, back)
		}
		a, b := counts.Tally(classes), TallyOf(matrix)
		if !slices.Equal(a.Hits, b.Hits) || !slices.Equal(a.Samples, b.Samples) || !slices.Equal(a.Predicted, b.Predicted) {
			t.Errorf("tallies %v and %v", a, b)
		}
	})
}

func TestWrongCellsAreRefused(t *testing.T) {
	for name, cells := range map[string][]Cell{
		"twice": {{0, 1, 2}, {0, 1, 2}}, "out of order": {{1, 0, 2}, {0, 1, 2}}, "no samples": {{0, 0, 0}}, "negative": {{0, 0, -1}},
		"no such label": {{3, 0, 1}}, "negative label": {{-1, 0, 1}}, "no such prediction": {{0, 3, 1}}, "negative prediction": {{1, -1, 1}},
	} {
		if _, ok := FromCells(cells, 3); ok {
			t.Errorf("%s is taken", name)
		}
	}
}
