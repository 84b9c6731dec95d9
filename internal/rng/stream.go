package rng

import (
	"math"
	"math/bits"
)

// Purpose keeps the numbers drawn for different things apart. It is the last word of the counter, so the values are part
// of what a seed means: a new purpose gets a new number, and no number is ever changed or used again.
type Purpose uint32

// The purposes in use.
const (
	Init        Purpose = 1  // initial values of parameters
	Permutation Purpose = 2  // order of the training images in an epoch
	Crop        Purpose = 3  // crop and flip of a training image; the upper half of the word is a try of a part, see data.Resized
	Split       Purpose = 4  // which images of a class make a long-tailed subset
	Synthetic   Purpose = 5  // pixels of the procedural data sets
	Validation  Purpose = 6  // which training images are held out
	Bench       Purpose = 7  // bytes and labels that a benchmark makes for itself
	Resample    Purpose = 8  // draws with replacement of a sampler
	Records     Purpose = 9  // order within a class of the authors' record file
	Buffer      Purpose = 10 // places of the authors' shuffle buffer
	Mix         Purpose = 11 // factor, partners and box of a batch of mixed images
	TestPart    Purpose = 12 // which images of a class a packed file sets apart for tests
)

// Stream is a sequence of random numbers: the Philox outputs of the counters {0, a, b, purpose}, {1, a, b, purpose} and
// so on, read word by word. It repeats after 2^34 words. Not safe for concurrent use; streams are cheap, so make one
// for each task.
type Stream struct {
	key     uint64
	counter [4]uint32
	block   [4]uint32
	used    int // words of block already handed out
}

// New is the stream of a purpose under a seed; a and b tell streams of the same purpose apart (an epoch and a sample, a class...).
func New(seed uint64, p Purpose, a, b uint32) *Stream {
	return &Stream{key: seed, counter: [4]uint32{0, a, b, uint32(p)}, used: 4}
}

// Uint32 is the next word.
func (s *Stream) Uint32() uint32 {
	if s.used == len(s.block) {
		s.block = Philox(s.key, s.counter)
		s.counter[0]++
		s.used = 0
	}
	w := s.block[s.used]
	s.used++
	return w
}

// Uint64 is the next two words, the low one first.
func (s *Stream) Uint64() uint64 {
	lo := uint64(s.Uint32())
	return lo | uint64(s.Uint32())<<32
}

// Float64 is uniform in [0, 1): the upper 53 bits of a Uint64, so every value is a multiple of 2^-53.
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) / (1 << 53) }

// Intn is uniform in [0, n) without bias (Lemire, "Fast Random Integer Generation in an Interval", 2019). It takes one word
// where n fits 32 bits and two otherwise, more where a draw has to be rejected. It panics where n < 1.
func (s *Stream) Intn(n int) int {
	if n < 1 {
		panic("rng: Intn of a number below 1")
	}
	if uint64(n) > math.MaxUint32 {
		return int(s.below64(uint64(n)))
	}
	return int(s.below32(uint32(n)))
}

func (s *Stream) below32(n uint32) uint32 {
	hi, lo := bits.Mul32(s.Uint32(), n)
	if lo < n {
		for reject := -n % n; lo < reject; {
			hi, lo = bits.Mul32(s.Uint32(), n)
		}
	}
	return hi
}

func (s *Stream) below64(n uint64) uint64 {
	hi, lo := bits.Mul64(s.Uint64(), n)
	if lo < n {
		for reject := -n % n; lo < reject; {
			hi, lo = bits.Mul64(s.Uint64(), n)
		}
	}
	return hi
}

// Norm is normal with mean 0 and variance 1: the cosine half of Box and Muller's transform of two Float64, so a call always
// takes four words.
func (s *Stream) Norm() float64 {
	radius := math.Sqrt(-2 * math.Log(1-s.Float64()))
	return radius * math.Cos(2*math.Pi*s.Float64())
}

// Perm is a uniformly drawn permutation of 0 ... n-1, by Fisher and Yates' shuffle from the last place down.
// It panics where n is negative or above 2^31 - 1.
func (s *Stream) Perm(n int) []int32 {
	if n < 0 || n > math.MaxInt32 {
		panic("rng: Perm of a number that int32 cannot count to")
	}
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := s.below32(uint32(i) + 1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}
