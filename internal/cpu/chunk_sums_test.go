package cpu

import (
	"slices"
	"sync"
	"testing"
)

// Chunks that begin and end in any order, on several threads, add up in their order: the bits are those of a sum from first to last.
func TestChunkSumsAddInOrder(t *testing.T) {
	const size, chunks = 37, 23
	k := kernelSets()[0]
	r := random(7)
	values := make([][]float32, chunks)
	var want []float32
	for chunk := range values {
		for range size {
			values[chunk] = append(values[chunk], r.next())
		}
		if chunk == 0 {
			want = slices.Clone(values[0])
			continue
		}
		for i, v := range values[chunk] {
			want[i] += v
		}
	}
	s := newChunkSums(k, size, chunks)
	for batch := range 20 {
		var threads sync.WaitGroup
		for thread := range 3 {
			threads.Go(func() {
				for i := range chunks {
					chunk := (i*(batch+1) + batch) % chunks // another order for each batch; 23 is prime
					if chunk%3 != thread {
						continue
					}
					s.begin(chunk)
					for i, v := range values[chunk] {
						s.of[chunk][i] += v
					}
					s.end(chunk)
				}
			})
		}
		threads.Wait()
		if got := s.finish(); !slices.Equal(got, want) {
			t.Fatalf("batch %d: %v, want %v", batch, got, want)
		}
	}
	if len(s.free) > chunks {
		t.Errorf("%d blocks for %d chunks", len(s.free), chunks)
	}
}
