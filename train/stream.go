package train

import "longtail/data"

// stream hands out the order of samples, and keeps the permutation of the current epoch.
type stream struct {
	seed  uint64
	n     int
	epoch int
	order []int32 // [n], of epoch
}

// take gives count samples from position first of the stream on: data.Order without making each permutation again.
func (s *stream) take(first, count int) []int32 {
	taken := make([]int32, 0, count)
	for len(taken) < count {
		at := first + len(taken)
		if epoch := at / s.n; s.order == nil || epoch != s.epoch {
			s.epoch, s.order = epoch, data.Permutation(s.seed, epoch, s.n)
		}
		rest := s.order[at%s.n:]
		taken = append(taken, rest[:min(len(rest), count-len(taken))]...)
	}
	return taken
}
