package programtest

import "longtail/data"

// Order is a piece of the stream of samples of n images in seeded permutations: count samples from position first on.
func Order(seed uint64, n, first, count int) []int32 {
	stream, err := data.NewStream(data.Sampling{Sampler: data.Instance}, data.Epoch{Seed: seed, Labels: make([]int32, n), Classes: 1}, data.Files{})
	if err != nil {
		panic(err)
	}
	order, err := stream.Take(first, count)
	if err != nil {
		panic(err)
	}
	return order
}
