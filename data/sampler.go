package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"longtail/internal/fail"
	"longtail/internal/rng"
)

// Epoch is what a sampler may look at.
type Epoch struct {
	Seed    uint64  // of the run
	Number  int     // of the epoch, the first is 0
	Epochs  float64 // of the whole run
	Labels  []int32 // [N] of the training images
	Classes int     // C
}

// Sampler decides which training images an epoch shows, and in which order: N indices into them, where an image may come more than
// once. It draws random numbers from internal/rng alone, keyed by the epoch's seed and number, so that a run that resumes sees the
// same images.
type Sampler func(Epoch) []int32

// Instance is the sampler of the paper's protocol: every image once an epoch, in an order of its own.
const Instance = "instance"

var samplers = map[string]Sampler{
	Instance: func(e Epoch) []int32 { return Permutation(e.Seed, e.Number, len(e.Labels)) },
}

// RegisterSampler makes a sampler known under a name, a value of the key data.sampler. It is called from init; a taken name is a
// panic.
func RegisterSampler(name string, s Sampler) {
	if _, taken := samplers[name]; taken {
		panic("data: sampler " + name + " is registered twice")
	}
	samplers[name] = s
}

// Samplers are the names of the known samplers.
func Samplers() []string { return slices.Sorted(maps.Keys(samplers)) }

// Permutation is a uniformly drawn order of n images for an epoch (the first is 0), from the stream (seed, rng.Permutation, epoch,
// 0).
func Permutation(seed uint64, epoch, n int) []int32 {
	return rng.New(seed, rng.Permutation, uint32(epoch), 0).Perm(n)
}

// Stream is the endless sequence of samples that training consumes: the orders of epochs 0, 1, 2 ... laid end to end. Position p
// belongs to epoch p / N, also where a batch straddles two epochs. It keeps the order of one epoch; it is used by one goroutine at
// a time.
type Stream struct {
	sampler Sampler
	name    string
	epoch   Epoch
	order   []int32 // [N] of the epoch; nil before the first
}

// NewStream is the stream of a sampler for a run. An unknown sampler is a usage error; e.Number is not used.
func NewStream(sampler string, e Epoch) (*Stream, error) {
	s, ok := samplers[sampler]
	if !ok {
		return nil, fail.Usage("data.sampler=%s: there is no such sampler\nchoose one of %s", sampler, strings.Join(Samplers(), ", "))
	}
	if len(e.Labels) == 0 {
		return nil, fail.Usage("data.sampler=%s: there is no training image to sample", sampler)
	}
	return &Stream{sampler: s, name: sampler, epoch: e}, nil
}

// Take gives count samples from position first of the stream on. An error means that the sampler does not keep its contract.
func (s *Stream) Take(first, count int) ([]int32, error) {
	n := len(s.epoch.Labels)
	taken := make([]int32, 0, count)
	for len(taken) < count {
		at := first + len(taken)
		if err := s.open(at / n); err != nil {
			return nil, err
		}
		rest := s.order[at%n:]
		taken = append(taken, rest[:min(len(rest), count-len(taken))]...)
	}
	return taken, nil
}

// open makes the order of an epoch the current one.
func (s *Stream) open(epoch int) error {
	if s.order != nil && epoch == s.epoch.Number {
		return nil
	}
	s.epoch.Number = epoch
	s.order = s.sampler(s.epoch)
	n := len(s.epoch.Labels)
	if len(s.order) != n {
		return fmt.Errorf("the sampler %s gives %d samples for an epoch of %d", s.name, len(s.order), n)
	}
	for i, sample := range s.order {
		if sample < 0 || int(sample) >= n {
			return fmt.Errorf("the sampler %s gives image %d of %d as sample %d of epoch %d", s.name, sample, n, i, epoch)
		}
	}
	return nil
}
