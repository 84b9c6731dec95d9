// Package rng is the only source of random numbers of the program: Philox 4x32-10 of Salmon, Moraes, Dror and Shaw,
// "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
//
// Philox is a function, not a machine with a state: it turns a key and a 128-bit counter into 128 random bits. A number
// is therefore named by what it is for (seed, [Purpose], epoch, sample ...) and is the same whoever computes it, in
// whatever order, on any number of threads, on a CPU or a GPU.
package rng

import "math/bits"

// Constants of the Philox 4x32 bijection: two odd multipliers and two Weyl increments of the key (section 4.3 of the paper).
const (
	mul0  = 0xD2511F53
	mul1  = 0xCD9E8D57
	weyl0 = 0x9E3779B9 // golden ratio
	weyl1 = 0xBB67AE85 // sqrt(3) - 1

	rounds = 10
)

// Philox maps counter to four random words under key with 10 rounds. The low 32 bits of key are the first key word of
// the reference implementation, the high 32 bits the second.
func Philox(key uint64, counter [4]uint32) [4]uint32 {
	k0, k1 := uint32(key), uint32(key>>32)
	c0, c1, c2, c3 := counter[0], counter[1], counter[2], counter[3]
	for range rounds {
		hi0, lo0 := bits.Mul32(mul0, c0)
		hi1, lo1 := bits.Mul32(mul1, c2)
		c0, c1, c2, c3 = hi1^c1^k0, lo1, hi0^c3^k1, lo0
		k0 += weyl0
		k1 += weyl1
	}
	return [4]uint32{c0, c1, c2, c3}
}
