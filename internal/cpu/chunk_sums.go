package cpu

import "sync"

// chunkSums adds a sum of floats over the chunks of a batch, in their order, so that its bits do not depend on which thread takes which
// chunk. A chunk adds into a block of its own; blocks are added to the total as soon as those of all chunks before are, by a thread that
// has just finished one, and used again, so that a few of them stay in the cache. No thread waits for another: where one is adding,
// others leave their blocks to it.
type chunkSums struct {
	kernels kernels
	total   []float32

	mu      sync.Mutex
	of      [][]float32 // block of each chunk
	ready   []bool      // chunks whose block is complete
	free    [][]float32
	next    int  // chunk to add
	merging bool // by some thread
}

func newChunkSums(k kernels, size, chunks int) *chunkSums {
	return &chunkSums{kernels: k, total: make([]float32, size), of: make([][]float32, chunks), ready: make([]bool, chunks)}
}

// begin gives a chunk a block of zeros.
func (s *chunkSums) begin(chunk int) {
	s.mu.Lock()
	var block []float32
	if last := len(s.free) - 1; last >= 0 {
		block, s.free = s.free[last], s.free[:last]
	}
	s.mu.Unlock()
	if block == nil {
		block = make([]float32, len(s.total))
	} else {
		clear(block)
	}
	s.of[chunk] = block
}

// end says that a chunk's block is complete.
func (s *chunkSums) end(chunk int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready[chunk] = true
	if s.merging {
		return
	}
	s.merging = true
	for s.next < len(s.ready) && s.ready[s.next] {
		chunk, block := s.next, s.of[s.next]
		s.mu.Unlock()
		if chunk == 0 {
			copy(s.total, block)
		} else {
			s.kernels.accumulate(s.total, block)
		}
		s.mu.Lock()
		s.ready[chunk], s.of[chunk] = false, nil
		s.free = append(s.free, block)
		s.next++
	}
	s.merging = false
}

// finish returns the total of all chunks, which have ended, and makes ready for the next batch.
func (s *chunkSums) finish() []float32 {
	s.next = 0
	return s.total
}
