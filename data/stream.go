package data

import (
	"fmt"
	"slices"
	"strings"

	"longtail/internal/fail"
)

// Sampling is how a run draws its samples; its fields are keys of the config's data section.
type Sampling struct {
	Sampler string // one of Samplers()
	From    int    // resample_from: epochs that the sampler Instance draws before Sampler takes over
	Order   string // one of Orders(); empty is uniform
	Batch   int    // train.batch, on which the authors' order depends
}

// Repeats reports whether an epoch may show an image more than once, and the first epoch of which that is so.
func (s Sampling) Repeats() (from int, ever bool) {
	switch {
	case s.Order == AuthorsOrder:
		return 0, true
	case s.Sampler == Instance:
		return 0, false
	}
	return s.From, true
}

// Stream is the endless sequence of samples that training consumes, in blocks that follow from seed and number alone: the orders of
// epochs 0, 1, 2 ... laid end to end. Position p belongs to epoch p / N, also where a batch straddles two epochs. It keeps one block; it
// is used by one goroutine at a time.
type Stream struct {
	length int                        // samples in a block
	draw   func(int) ([]int32, error) // the block of a number
	number int                        // of the current block
	block  []int32                    // nil before the first
}

// NewStream is the stream of a run over its training images; e.Number is not used. An unknown sampler or order, and images that are too
// few, are usage errors.
func NewStream(s Sampling, e Epoch, files Files) (*Stream, error) {
	sampler, ok := samplers[s.Sampler]
	switch {
	case !ok:
		return nil, fail.Usage("data.sampler=%s: there is no such sampler\nchoose one of %s", s.Sampler, strings.Join(Samplers(), ", "))
	case s.Order != "" && !slices.Contains(Orders(), s.Order):
		return nil, fail.Usage("data.order=%s: there is no such order\nchoose one of %s", s.Order, strings.Join(Orders(), ", "))
	case len(e.Labels) == 0:
		return nil, fail.Usage("data.sampler=%s: there is no training image to sample", s.Sampler)
	case s.Order == AuthorsOrder:
		return newAuthorsStream(s, e, files)
	}
	return &Stream{length: len(e.Labels), draw: func(number int) ([]int32, error) {
		name, draw := s.Sampler, sampler
		if number < s.From {
			name, draw = Instance, samplers[Instance]
		}
		e.Number = number
		order, err := draw(e)
		if err != nil {
			return nil, err
		}
		return order, checkOrder(order, name, e)
	}}, nil
}

// checkOrder finds where a sampler does not keep its contract.
func checkOrder(order []int32, sampler string, e Epoch) error {
	n := len(e.Labels)
	if len(order) != n {
		return fmt.Errorf("the sampler %s gives %d samples for an epoch of %d", sampler, len(order), n)
	}
	for i, sample := range order {
		if sample < 0 || int(sample) >= n {
			return fmt.Errorf("the sampler %s gives image %d of %d as sample %d of epoch %d", sampler, sample, n, i, e.Number)
		}
	}
	return nil
}

// Take gives count samples from position first of the stream on. An error means that the sampler does not keep its contract.
func (s *Stream) Take(first, count int) ([]int32, error) {
	taken := make([]int32, 0, count)
	for len(taken) < count {
		at := first + len(taken)
		if number := at / s.length; s.block == nil || number != s.number {
			block, err := s.draw(number)
			if err != nil {
				return nil, err
			}
			s.number, s.block = number, block
		}
		rest := s.block[at%s.length:]
		taken = append(taken, rest[:min(len(rest), count-len(taken))]...)
	}
	return taken, nil
}
