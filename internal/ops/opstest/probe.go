package opstest

import (
	"fmt"
	"hash"
	"hash/fnv"
	"slices"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Probe makes a scalar of a value of any shape: the sum of its numbers times weights of the same shape.
func Probe(y *G.Node, weights *tensor.Dense) (*G.Node, error) {
	if !slices.Equal(y.Shape(), weights.Shape()) {
		return nil, fmt.Errorf("weights %v for a value %v", weights.Shape(), y.Shape())
	}
	return G.ApplyOp(&probe{shape: y.Shape().Clone(), weights: Floats(weights)}, y)
}

// probe is the weighted sum, and backwards the weights times the gradient of the sum.
type probe struct {
	shape    tensor.Shape
	weights  []float64
	backward bool
}

func (p *probe) Arity() int { return 1 }

func (p *probe) Type() hm.Type {
	element := hm.TypeVariable('a')
	var wide hm.Type = element
	if p.shape.Dims() > 0 {
		wide = G.TensorType{Dims: p.shape.Dims(), Of: element}
	}
	if p.backward {
		return hm.NewFnType(element, wide)
	}
	return hm.NewFnType(wide, element)
}

func (p *probe) InferShape(...G.DimSizer) (tensor.Shape, error) {
	if p.backward {
		return p.shape.Clone(), nil
	}
	return tensor.ScalarShape(), nil
}

func (p *probe) Do(values ...G.Value) (G.Value, error) {
	in := Floats(values[0])
	if !p.backward {
		sum := 0.0
		for i, x := range in {
			sum += x * p.weights[i]
		}
		return p.like(values[0], []float64{sum}, nil), nil
	}
	out := make([]float64, len(p.weights))
	for i, w := range p.weights {
		out[i] = w * in[0]
	}
	return p.like(values[0], out, p.shape), nil
}

// like makes a value of the element type of another.
func (p *probe) like(v G.Value, numbers []float64, shape tensor.Shape) G.Value {
	double := v.Dtype() == G.Float64
	switch {
	case shape.Dims() == 0 && double:
		return G.NewF64(numbers[0])
	case shape.Dims() == 0:
		return G.NewF32(float32(numbers[0]))
	case double:
		return Of(numbers, shape...)
	}
	return Float32(Of(numbers, shape...))
}

func (p *probe) ReturnsPtr() bool     { return false }
func (p *probe) CallsExtern() bool    { return false }
func (p *probe) OverwritesInput() int { return -1 }
func (p *probe) String() string       { return "probe" }

func (p *probe) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "probe %v %v %v", p.shape, p.weights, p.backward)
}

func (p *probe) Hashcode() uint32 {
	h := fnv.New32a()
	p.WriteHash(h)
	return h.Sum32()
}

func (p *probe) DiffWRT(int) []bool { return []bool{!p.backward} }

func (p *probe) SymDiff(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	if p.backward {
		return nil, fmt.Errorf("probe: has no second derivative")
	}
	back := *p
	back.backward = true
	d, err := G.ApplyOp(&back, grad)
	return G.Nodes{d}, err
}
