package metrics

import (
	"cmp"
	"maps"
	"slices"
)

// Dense is the largest number of classes whose confusion matrices are kept and written with their zeros, [C][C]. For more classes, of which
// most pairs never meet, there are cells alone.
const Dense = 1024

// Pair is a true class and a predicted one.
type Pair struct{ Label, Predicted int32 }

// Counts are numbers of samples by true and predicted class: a confusion matrix without its zeros.
type Counts map[Pair]int64

// Cell is a true class, a predicted one, and the number of samples of the one that were taken for the other.
type Cell [3]int64

// Add adds other counts.
func (c Counts) Add(other Counts) {
	for pair, n := range other {
		c[pair] += n
	}
}

// Samples is the number of all samples.
func (c Counts) Samples() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// Cells are the counts by true class, then by predicted class.
func (c Counts) Cells() []Cell {
	cells := make([]Cell, 0, len(c))
	for _, pair := range slices.SortedFunc(maps.Keys(c), func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Predicted, b.Predicted))
	}) {
		cells = append(cells, Cell{int64(pair.Label), int64(pair.Predicted), c[pair]})
	}
	return cells
}

// Flat is the confusion matrix [C * C], row = true class.
func (c Counts) Flat(classes int) []int64 {
	flat := make([]int64, classes*classes)
	for pair, n := range c {
		flat[int(pair.Label)*classes+int(pair.Predicted)] = n
	}
	return flat
}

// FromFlat are the counts of a confusion matrix [C * C].
func FromFlat(flat []int64, classes int) Counts {
	c := Counts{}
	for i, n := range flat {
		if n != 0 {
			c[Pair{int32(i / classes), int32(i % classes)}] = n
		}
	}
	return c
}

// FromCells are the counts of cells; ok is false for a cell outside of so many classes, for one that comes twice or out of order, and for
// a count below 1.
func FromCells(cells []Cell, classes int) (c Counts, ok bool) {
	c = Counts{}
	last := int64(-1)
	for _, cell := range cells {
		label, predicted, n := cell[0], cell[1], cell[2]
		if label < 0 || label >= int64(classes) || predicted < 0 || predicted >= int64(classes) || n < 1 {
			return nil, false
		}
		at := label*int64(classes) + predicted
		if at <= last {
			return nil, false
		}
		last = at
		c[Pair{int32(label), int32(predicted)}] = n
	}
	return c, true
}

// Tally is what the numbers of this package need of a confusion matrix, [C] each.
type Tally struct {
	Hits      []int64 // samples of a class that are predicted as it
	Samples   []int64 // of a class
	Predicted []int64 // samples that are predicted as a class
}

// NewTally is the tally of no samples.
func NewTally(classes int) Tally {
	return Tally{make([]int64, classes), make([]int64, classes), make([]int64, classes)}
}

// Add counts n samples.
func (t *Tally) Add(label, predicted int, n int64) {
	if label == predicted {
		t.Hits[label] += n
	}
	t.Samples[label] += n
	t.Predicted[predicted] += n
}

// Tally adds the counts up by class.
func (c Counts) Tally(classes int) Tally {
	t := NewTally(classes)
	for pair, n := range c {
		t.Add(int(pair.Label), int(pair.Predicted), n)
	}
	return t
}

// TallyOf adds up a square confusion matrix [C][C].
func TallyOf(confusion [][]int64) Tally {
	t := NewTally(len(confusion))
	for label, row := range confusion {
		for predicted, n := range row {
			t.Add(label, predicted, n)
		}
	}
	return t
}
