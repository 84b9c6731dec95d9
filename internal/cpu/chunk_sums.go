package cpu

import (
	"slices"
	"sync"
)

// chunkSums adds a sum of floats over the chunks of a batch, in their order, so that its bits do not depend on which thread takes which
// chunk. A chunk adds into a block of its own. Each thread has a slice of the total: when it has ended a chunk, it adds to its slice those of
// all blocks that may be added, so that threads have the same to do, and slices stay in the caches of one processor. A block is used again
// as soon as it is in all slices, so that a few of them stay in the cache. No thread waits for another: what is late, finish adds.
type chunkSums struct {
	kernels kernels
	total   []float32

	mu     sync.Mutex
	of     [][]float32 // block of each chunk
	ended  []bool      // chunks whose block is complete
	free   [][]float32 // at most so many as are in use at once where no thread is late
	most   int
	slices []totalSlice
}

// totalSlice is a part of a total that one thread at a time adds to.
type totalSlice struct {
	from, to int
	next     int  // chunk to add
	adding   bool // by some thread
}

// leastSlice is the least number of floats for which it pays to go through the chunks: 16 kB.
const leastSlice = 4096

func newChunkSums(k kernels, size, chunks, threads int) *chunkSums {
	s := &chunkSums{
		kernels: k, total: make([]float32, size), of: make([][]float32, chunks), ended: make([]bool, chunks),
		most: blocksInUse(threads, chunks),
	}
	count := max(1, min(threads, size/leastSlice))
	const line = 16
	for i := range count {
		s.slices = append(s.slices, totalSlice{from: size * i / count / line * line, to: size * (i + 1) / count / line * line})
	}
	s.slices[count-1].to = size
	return s
}

// blocksInUse is how many chunks have a block at once where no thread is late: one of each thread, and twice as many that
// are not in all slices yet.
func blocksInUse(threads, chunks int) int {
	if threads == 1 {
		return 1
	}
	return min(3*threads, chunks)
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

// end says that a chunk's block is complete, on the thread whose tasks are those of a lane.
func (s *chunkSums) end(lane, chunk int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[chunk] = true
	own := lane % len(s.slices)
	s.add(&s.slices[own])
	for i := range s.slices {
		if s.slices[own].next-s.slices[i].next > len(s.slices) { // its thread is late
			s.add(&s.slices[i])
		}
	}
}

// add adds to a slice what may be added. The lock is held, but not while it adds.
func (s *chunkSums) add(p *totalSlice) {
	if p.adding {
		return
	}
	p.adding = true
	for p.next < len(s.ended) && s.ended[p.next] {
		chunk, block := p.next, s.of[p.next]
		s.mu.Unlock()
		if chunk == 0 {
			copy(s.total[p.from:p.to], block[p.from:p.to])
		} else {
			s.kernels.accumulate(s.total[p.from:p.to], block[p.from:p.to])
		}
		s.mu.Lock()
		p.next++
		if !slices.ContainsFunc(s.slices, func(other totalSlice) bool { return other.next <= chunk }) {
			s.of[chunk] = nil
			if len(s.free) < s.most {
				s.free = append(s.free, block)
			}
		}
	}
	p.adding = false
}

// finish returns the total of all chunks, which have ended, and makes ready for the next batch.
func (s *chunkSums) finish() []float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.slices {
		s.add(&s.slices[i])
	}
	for i := range s.slices { // all have passed all chunks
		s.slices[i].next = 0
	}
	clear(s.ended)
	return s.total
}
