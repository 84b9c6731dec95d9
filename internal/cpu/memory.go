package cpu

import (
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// needs is what a session holds beside its store, in floats.
type needs struct {
	arena   int // values that cross levels
	floats  int // gradients, sums, packed weights, inputs
	blocks  int // a chunk's part of the sums of gradients: of them, blocksInUse are in use at once
	scratch int // values within a level, of which every thread has one
}

// floats allocates what a session holds.
func (s *session) floats(n int) []float32 {
	s.need.floats += n
	return make([]float32, n)
}

// bytes is what a session needs, with its store or without.
func (s *session) bytes(store bool) int64 {
	n := s.need.arena + s.need.floats + blocksInUse(s.threads, s.chunks())*s.need.blocks + s.threads*s.need.scratch
	if store {
		for _, values := range s.store.values {
			n += len(values)
		}
	}
	return 4 * int64(n)
}

// Memory is how many bytes a program takes - activations, gradients and their sums, packed weights, parameters and momenta -, and how many
// the system and the control groups of the process have left; 0 where they do not tell.
func (b *Backend) Memory(p *plan.Program, precision device.Precision) (need, available int64) {
	available = memoryLeft("/")
	if b.Check(p, precision) != nil {
		return 0, available
	}
	s := &session{program: p, store: newStore(), kernels: b.kernelsFor(precision), threads: b.threads} // pages that nothing touches take no memory
	if s.bind() != nil {
		return 0, available
	}
	return s.bytes(true), available
}

// checkMemory returns an error where a session needs more memory than there is.
func (b *Backend) checkMemory(s *session, store bool) error {
	need, available := s.bytes(store), memoryLeft("/")
	if available == 0 || need <= available {
		return nil
	}
	const gb = 1e9
	return fail.Device("a batch of %d images needs %.1f GB of memory, and %.1f GB are available\nlower train.batch or choose a smaller model.name",
		s.program.Batch, float64(need)/gb, float64(available)/gb)
}
