package cpu

import "time"

// Peak is how many floating-point operations a core does in a second at most, in fused multiply-adds of float32: the best of many short
// rounds, so that other programs disturb it little. It is 0 for the kernels in plain Go, which have no vectors to fill.
func (s *session) Peak() float64 {
	const rounds, turns = 40, 20_000
	best := 0.0
	for range rounds {
		start := time.Now()
		operations := s.kernels.peak(turns)
		best = max(best, operations/time.Since(start).Seconds())
	}
	return best
}
