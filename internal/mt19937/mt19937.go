// Package mt19937 repeats the legacy random numbers of NumPy, bit for bit, for subsets that other programs drew with it: the Mersenne
// Twister of Matsumoto and Nishimura, "Mersenne Twister: A 623-Dimensionally Equidistributed Uniform Pseudo-Random Number Generator"
// (1998), seeded and consumed as numpy.random.RandomState does, whose stream NumPy has frozen (NEP 19). Nothing else is drawn with it:
// see package rng.
package mt19937

// Size and constants of MT19937.
const (
	words     = 624
	distance  = 397
	matrix    = 0x9908b0df
	upperMask = 0x80000000
	lowerMask = 0x7fffffff
)

// Generator is a numpy.random.RandomState.
type Generator struct {
	state [words]uint32
	next  int // word of state to be handed out
}

// New is the generator after numpy.random.seed(seed): the initialisation of Knuth that the authors of MT19937 call init_genrand.
func New(seed uint32) *Generator {
	g := &Generator{next: words}
	for i := range g.state {
		g.state[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return g
}

// Uint32 is the next word of the stream.
func (g *Generator) Uint32() uint32 {
	if g.next == words {
		g.twist()
	}
	y := g.state[g.next]
	g.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// twist makes the next words of the state from the current ones.
func (g *Generator) twist() {
	for i := range g.state {
		y := g.state[i]&upperMask | g.state[(i+1)%words]&lowerMask
		g.state[i] = g.state[(i+distance)%words] ^ y>>1 ^ -(y&1)&matrix
	}
	g.next = 0
}

// Shuffle permutes a list as numpy.random.shuffle does a one-dimensional array: from the last place down, each with a place up to and
// with its own.
func (g *Generator) Shuffle(list []int32) {
	for i := len(list) - 1; i > 0; i-- {
		j := g.upTo(uint32(i))
		list[i], list[j] = list[j], list[i]
	}
}

// upTo is uniform in [0, highest]: words are cut to the bits of highest, and those above it dropped (NumPy's random_interval).
func (g *Generator) upTo(highest uint32) uint32 {
	mask := highest
	for shift := 1; shift < 32; shift *= 2 {
		mask |= mask >> shift
	}
	for {
		if v := g.Uint32() & mask; v <= highest {
			return v
		}
	}
}
