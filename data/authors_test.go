package data

import (
	"math"
	"slices"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/rng"

	"pgregory.net/rapid"
)

// A stream of records behind a buffer that is filled before each draw, as a data pipeline runs it: record by record, with no array of
// known size and no arithmetic on positions.
func simulate(records []int32, size, batch, calls int, seed uint64) []int32 {
	var order []int32
	steps := int(math.Floor(2 * float64(len(records)) / float64(batch)))
	for call := range calls {
		places := rng.New(seed, rng.Buffer, uint32(call), 0)
		var buffer []int32
		next := 0
		pull := func() int32 {
			record := records[next]
			if next++; next == len(records) {
				next = 0
			}
			return record
		}
		for range steps {
			for range batch {
				for len(buffer) < size {
					buffer = append(buffer, pull())
				}
				place := places.Intn(len(buffer))
				order = append(order, buffer[place])
				buffer[place] = pull()
			}
		}
	}
	return order
}

func TestAuthorsOrderIsTheirPipeline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := labelled(rapid.SliceOfN(rapid.IntRange(1, 30), 1, 5).Draw(t, "counts"))
		e.Seed = rapid.Uint64().Draw(t, "seed")
		n := len(e.Labels)
		batch := rapid.IntRange(1, 2*n).Draw(t, "batch")
		files := Files{Of: make([]int32, n)}
		for i := n / 3; i < n; i++ {
			files.Of[i] = 1
		}
		stream, err := NewStream(Sampling{Sampler: Instance, Order: AuthorsOrder, Batch: batch}, e, files)
		if err != nil {
			t.Fatal(err)
		}
		want := simulate(recordFile(e, files), int(0.4*float64(n))+3*batch, batch, 3, e.Seed)
		for range 4 { // in whatever pieces, from wherever it resumes
			first := rapid.IntRange(0, len(want)).Draw(t, "first")
			count := rapid.IntRange(0, len(want)-first).Draw(t, "count")
			got, err := stream.Take(first, count)
			if err != nil || !slices.Equal(got, want[first:first+count]) {
				t.Fatalf("from %d on: %v, %v, want %v", first, got, err, want[first:first+count])
			}
		}
	})
}

// The record file has every image once, sorted by class within each of the set's files; that of a balanced set keeps its order.
func TestRecordFileIsSortedByClassWithinEachFile(t *testing.T) {
	e := Epoch{Seed: 5, Classes: 3}
	files := Files{Of: make([]int32, 300)}
	for i := range 300 {
		e.Labels = append(e.Labels, int32(i*7%3))
		files.Of[i] = int32(i / 100)
	}
	records := recordFile(e, files)
	for place, image := range records[1:] {
		before := records[place]
		a, b := 3*files.Of[before]+e.Labels[before], 3*files.Of[image]+e.Labels[image]
		if a > b {
			t.Fatalf("record %d is of file %d and class %d, the one before of file %d and class %d", place+1, files.Of[image], e.Labels[image], files.Of[before], e.Labels[before])
		}
	}
	if slices.IsSorted(records[:33]) {
		t.Error("the images of a class stand in their original order")
	}
	if sorted := slices.Sorted(slices.Values(records)); sorted[0] != 0 || sorted[299] != 299 || len(slices.Compact(sorted)) != 300 {
		t.Error("an image is missing or there twice")
	}
	if files.Original = true; !slices.IsSorted(recordFile(e, files)) {
		t.Error("a balanced set's record file has another order")
	}
}

// With one class-sorted file, the first draws can be of the first 40 % of the records and what has come in since alone.
func TestAuthorsOrderStartsWithTheHead(t *testing.T) {
	e := labelled([]int{500, 300, 200})
	stream, err := NewStream(Sampling{Sampler: Instance, Order: AuthorsOrder, Batch: 10}, e, Files{})
	if err != nil {
		t.Fatal(err)
	}
	order, err := stream.Take(0, 2000)
	if err != nil {
		t.Fatal(err)
	}
	for i, image := range order[:370] { // the buffer holds 430 records: the tail begins with record 800
		if e.Labels[image] == 2 {
			t.Fatalf("draw %d is an image of the tail", i)
		}
	}
	if tail := slices.IndexFunc(order, func(image int32) bool { return e.Labels[image] == 2 }); tail < 0 || tail > 450 {
		t.Errorf("the tail begins with draw %d", tail)
	}
}

func TestAuthorsOrderOfTooFewImages(t *testing.T) {
	_, err := NewStream(Sampling{Sampler: Instance, Order: AuthorsOrder, Batch: 128}, labelled([]int{40, 20}), Files{})
	if fail.Code(err) != fail.CodeUsage {
		t.Errorf("60 images in batches of 128: %v", err)
	}
	_, err = NewStream(Sampling{Sampler: Instance, Order: "author"}, labelled([]int{40, 20}), Files{})
	if fail.Code(err) != fail.CodeUsage {
		t.Errorf("an unknown order: %v", err)
	}
}
