package models

import (
	"math"
	"slices"

	"longtail/internal/ops"
	"longtail/internal/rng"

	"gorgonia.org/tensor"
)

// Inits are the known initialisations: glorot is uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010), the
// paper's; he is normal with standard deviation sqrt(2 / fan_in) (He et al. 2015).
func Inits() []string { return []string{"glorot", "he"} }

// spread is the start distribution of weights with these fans.
func (b *Builder) spread(fanIn, fanOut int) ops.Init {
	if b.config.Init == "he" {
		return ops.Init{Std: math.Sqrt(2 / float64(fanIn))}
	}
	return ops.Init{Bound: math.Sqrt(6 / float64(fanIn+fanOut))}
}

// draw takes one value from a distribution.
func draw(init ops.Init, stream *rng.Stream) float32 {
	v := init.Mean
	if init.Bound > 0 {
		v += init.Bound * (2*stream.Float64() - 1)
	}
	if init.Std > 0 {
		v += init.Std * stream.Norm()
	}
	return float32(v)
}

// Initial draws the start values of all parameters. A tensor's values do not depend on other tensors' sizes: each has a random
// stream of its own.
func (n Net) Initial(seed uint64) map[string]*tensor.Dense {
	values := make(map[string]*tensor.Dense)
	for i, p := range n.Params {
		stream := rng.New(seed, rng.Init, uint32(i), 0)
		values[p.Name] = filled(p.Node.Shape(), func(int) float32 { return draw(p.Init, stream) })
		if p.Init.UnitRows {
			scaleRows(values[p.Name])
		}
	}
	return values
}

// scaleRows scales the rows of a matrix to length 1.
func scaleRows(m *tensor.Dense) {
	for row := range slices.Chunk(m.Data().([]float32), m.Shape()[1]) {
		scale(row, 1/norm(row))
	}
}

// InitialMoments are the running moments [2, C] that training starts from, by name: mean 0 and variance 1.
func (n Net) InitialMoments() map[string]*tensor.Dense {
	values := make(map[string]*tensor.Dense)
	start := func(name string, shape tensor.Shape) {
		values[name] = filled(shape, func(i int) float32 { return float32(i / shape[1]) })
	}
	for _, s := range n.Stats {
		start(s.Running, s.Batch.Shape())
	}
	for _, moments := range n.Inputs {
		start(moments.Name(), moments.Shape())
	}
	return values
}

// filled is a tensor of that shape with the value of each element.
func filled(shape tensor.Shape, value func(i int) float32) *tensor.Dense {
	values := make([]float32, shape.TotalSize())
	for i := range values {
		values[i] = value(i)
	}
	return tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(values))
}
