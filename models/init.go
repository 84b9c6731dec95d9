package models

import (
	"fmt"
	"math"

	"longtail/internal/ops"
	"longtail/internal/rng"

	"gorgonia.org/tensor"
)

// Inits are the known initialisations: glorot is uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010), the
// paper's; he is normal with standard deviation sqrt(2 / fan_in) (He et al. 2015).
func Inits() []string { return []string{"glorot", "he"} }

// spread is the start distribution of weights with these fans.
func (b *builder) spread(fanIn, fanOut int) ops.Init {
	if b.config.Init == "he" {
		return ops.Init{Std: math.Sqrt(2 / float64(fanIn))}
	}
	return ops.Init{Bound: math.Sqrt(6 / float64(fanIn+fanOut))}
}

// Initial draws the start values of all parameters, and running moments of mean 0 and variance 1. Each tensor has a random
// stream of its own, so that one network's values do not depend on another's size.
func (n Net) Initial(seed uint64) map[string]*tensor.Dense {
	state := make(map[string]*tensor.Dense)
	for i, p := range n.Params {
		values := make([]float32, p.Node.Shape().TotalSize())
		stream := rng.New(seed, rng.Init, uint32(i), 0)
		for j := range values {
			v := p.Init.Mean
			if p.Init.Bound > 0 {
				v += p.Init.Bound * (2*stream.Float64() - 1)
			}
			if p.Init.Std > 0 {
				v += p.Init.Std * stream.Norm()
			}
			values[j] = float32(v)
		}
		state[p.Name] = tensor.New(tensor.WithShape(p.Node.Shape().Clone()...), tensor.WithBacking(values))
	}
	for _, s := range n.Stats {
		channels := s.Batch.Shape()[1]
		values := make([]float32, 2*channels)
		for c := range channels {
			values[channels+c] = 1
		}
		state[fmt.Sprintf("running/%s", s.Running)] = tensor.New(tensor.WithShape(2, channels), tensor.WithBacking(values))
	}
	return state
}
