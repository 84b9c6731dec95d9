package adding

import (
	"slices"

	"longtail/data"
)

func init() { data.RegisterSampler("reversed", reversed) }

// reversed shows the images of the protocol's permutation from the last to the first.
func reversed(e data.Epoch) ([]int32, error) {
	order := data.Permutation(e.Seed, e.Number, len(e.Labels))
	slices.Reverse(order)
	return order, nil
}
