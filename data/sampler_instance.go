package data

import "longtail/internal/rng"

// Instance is the sampler of the paper's protocol: every image once an epoch, in an order of its own. A class has the share
// n / N.
const Instance = "instance"

func init() {
	registerRule(Instance, instanceRule)
	RegisterSampler(Instance, func(e Epoch) ([]int32, error) { return Permutation(e.Seed, e.Number, len(e.Labels)), nil })
}

func instanceRule(d ClassDraw) []float64 { return d.each(func(n float64) float64 { return n }) }

// Permutation is a uniformly drawn order of n images for an epoch (the first is 0), from the stream (seed, rng.Permutation, epoch,
// 0).
func Permutation(seed uint64, epoch, n int) []int32 {
	return rng.New(seed, rng.Permutation, uint32(epoch), 0).Perm(n)
}
