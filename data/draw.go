package data

import (
	"math/bits"

	"longtail/internal/rng"
)

// draw is N draws with replacement by the class probabilities of a kind. Draw i is one Philox call, so that any of them can be computed alone:
//
//	w = Philox(key = seed, counter = {i, epoch, 0, rng.Resample})
//
// The class is the first whose cumulative probability is above u, the upper 53 bits of (w[1] w[0]) as a fraction; the image is number
// n (w[3] w[2]) >> 64 of the class's n images in ascending order. Images differ in probability by less than n 2^-64.
func (e Epoch) draw(kind string) ([]int32, error) {
	members := byClass(e.Labels, e.Classes)
	counts := make([]int, e.Classes)
	for c := range members {
		counts[c] = len(members[c])
	}
	p, err := ClassProbabilities(kind, ClassDraw{counts, e.Number, e.Epochs, e.Beta})
	if err != nil {
		return nil, err
	}
	upTo := cumulative(p)
	order := make([]int32, len(e.Labels))
	for i := range order {
		w := rng.Philox(e.Seed, [4]uint32{uint32(i), uint32(e.Number), 0, uint32(rng.Resample)})
		u := float64((uint64(w[1])<<32|uint64(w[0]))>>11) / (1 << 53)
		class := 0
		for upTo[class] <= u {
			class++
		}
		k, _ := bits.Mul64(uint64(w[3])<<32|uint64(w[2]), uint64(len(members[class])))
		order[i] = members[class][k]
	}
	return order, nil
}

// cumulative is the sum of the probabilities up to and with each class [C]. The last class that can be drawn has 1, whatever rounding
// leaves of it, so that every u < 1 meets a class with images.
func cumulative(p []float64) []float64 {
	upTo, sum, last := make([]float64, len(p)), 0.0, 0
	for c := range p {
		sum += p[c]
		upTo[c] = sum
		if p[c] > 0 {
			last = c
		}
	}
	for c := last; c < len(p); c++ {
		upTo[c] = 1
	}
	return upTo
}
