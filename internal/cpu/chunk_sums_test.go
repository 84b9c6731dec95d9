package cpu

import (
	"slices"
	"sync"
	"testing"
)

// chunksToAdd are the values of some chunks, and their sum from first to last.
func chunksToAdd(size, chunks int) (values [][]float32, sum []float32) {
	r := random(7)
	values = make([][]float32, chunks)
	for chunk := range values {
		for range size {
			values[chunk] = append(values[chunk], r.next())
		}
		if chunk == 0 {
			sum = slices.Clone(values[0])
			continue
		}
		for i, v := range values[chunk] {
			sum[i] += v
		}
	}
	return values, sum
}

// do takes a chunk from its beginning to its end.
func (s *chunkSums) do(lane, chunk int, values []float32) {
	s.begin(chunk)
	for i, v := range values {
		s.of[chunk][i] += v
	}
	s.end(lane, chunk)
}

// Chunks that begin and end in any order, on several threads, add up in their order: the bits are those of a sum from first to last, be it
// added whole or in slices.
func TestChunkSumsAddInOrder(t *testing.T) {
	const chunks, count = 23, 3
	for _, size := range []int{37, 2*leastSlice + 5, count*leastSlice + 21} {
		values, want := chunksToAdd(size, chunks)
		s := newChunkSums(kernelSets()[0], size, chunks, count)
		if got := min(count, max(1, size/leastSlice)); len(s.slices) != got {
			t.Fatalf("%d slices of %d floats, want %d", len(s.slices), size, got)
		}
		for batch := range 20 {
			var threads sync.WaitGroup
			for thread := range count {
				threads.Go(func() {
					for i := range chunks {
						chunk := (i*(batch+1) + batch) % chunks // another order for each batch; 23 is prime
						if chunk%count == thread {
							s.do(thread, chunk, values[chunk])
						}
					}
				})
			}
			threads.Wait()
			if got := s.finish(); !slices.Equal(got, want) {
				t.Fatalf("%d floats, batch %d: another sum", size, batch)
			}
			if slices.ContainsFunc(s.of, func(block []float32) bool { return block != nil }) {
				t.Fatalf("%d floats, batch %d: a block is lost", size, batch)
			}
		}
		if len(s.free) > 3*count {
			t.Errorf("%d blocks are kept for %d threads", len(s.free), count)
		}
	}
}

// Where a thread is late, the others add to its slice, so that blocks are used again.
func TestChunkSumsNeedNoLateThread(t *testing.T) {
	const chunks, count, size = 32, 2, 2 * leastSlice
	values, want := chunksToAdd(size, chunks)
	s := newChunkSums(kernelSets()[0], size, chunks, count)
	most := 0
	for chunk := range chunks {
		s.do(0, chunk, values[chunk]) // thread 1 does nothing
		inUse := 0
		for _, block := range s.of {
			if block != nil {
				inUse++
			}
		}
		most = max(most, inUse)
	}
	if got := s.finish(); !slices.Equal(got, want) {
		t.Error("another sum")
	}
	if most > 2*count+1 {
		t.Errorf("%d blocks were in use after a chunk, want at most %d", most, 2*count+1)
	}
}
