package data

import "longtail/internal/rng"

// Permutation is the order in which the n training images are seen in an epoch (the first is 0): uniformly drawn, from the
// stream (seed, rng.Permutation, epoch, 0).
func Permutation(seed uint64, epoch, n int) []int32 {
	return rng.New(seed, rng.Permutation, uint32(epoch), 0).Perm(n)
}

// Order is a piece of the endless stream of samples that training consumes: the permutations of epochs 0, 1, 2 ... of n
// images laid end to end, from position first on, count positions long. Position p belongs to epoch p / n, also where a batch
// straddles two epochs. n must be positive, first and count not negative.
func Order(seed uint64, n, first, count int) []int32 {
	order := make([]int32, 0, count)
	for len(order) < count {
		at := first + len(order)
		rest := Permutation(seed, at/n, n)[at%n:]
		order = append(order, rest[:min(len(rest), count-len(order))]...)
	}
	return order
}

// Draw is how one image is changed for one epoch: a border of 4 zero bytes is laid around it, a 32 x 32 window cut out, and
// the window perhaps mirrored.
type Draw struct {
	DY, DX int  // 0 to 8: top left corner of the window in the 40 x 40 image; 4, 4 is the image itself
	Flip   bool // mirror left and right, after cutting
}

// Border is the width of the zero border for the crops.
const Border = 4

// Augment is the draw for a sample, an index into the training images, in an epoch (the first is 0). It is one Philox call,
// so that a kernel can repeat it bit for bit:
//
//	w = Philox(key = seed, counter = {sample, epoch, 0, rng.Crop})
//	DY = (9 * w[0]) >> 32, DX = (9 * w[1]) >> 32 in 64-bit arithmetic, Flip = w[2] >> 31
//
// The nine offsets differ in probability by less than 2^-29.
func Augment(seed uint64, epoch, sample int) Draw {
	w := rng.Philox(seed, [4]uint32{uint32(sample), uint32(epoch), 0, uint32(rng.Crop)})
	const offsets = 2*Border + 1
	return Draw{
		DY:   int(offsets * uint64(w[0]) >> 32),
		DX:   int(offsets * uint64(w[1]) >> 32),
		Flip: w[2]>>31 == 1,
	}
}
