package ops

import (
	"math"
	"math/rand/v2"

	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// example is an operation on inputs of drawn shapes.
type example struct {
	values []*tensor.Dense
	build  opstest.Build
	// naive computes the result from the formula, by other loops than the reference; nil where another test does so.
	naive func(in []*tensor.Dense) []float64
	wrt   []int // inputs with a gradient
}

// draw is the source of an example's shapes and numbers.
type draw struct {
	*rapid.T
	r *rand.Rand
}

func newDraw(t *rapid.T) draw {
	return draw{t, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "numbers"), 1))}
}

func (d draw) n(label string, from, to int) int { return rapid.IntRange(from, to).Draw(d.T, label) }

// image is [N, C, H, W] of small odd and even sides.
func (d draw) image() *tensor.Dense {
	return opstest.Random(d.r, d.n("N", 1, 3), d.n("C", 1, 3), d.n("H", 1, 5), d.n("W", 1, 5))
}

// away moves the numbers of v at least 0.1 from 0, so that a finite difference does not step over a kink.
func away(v *tensor.Dense) *tensor.Dense {
	for i, x := range v.Data().([]float64) {
		v.Data().([]float64)[i] = x + math.Copysign(.1, x)
	}
	return v
}

// apart is a tensor whose numbers are at least 0.05 apart, so that a finite difference does not change which one is the largest.
func apart(d draw, shape ...int) *tensor.Dense {
	x := tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float64))
	for i, place := range d.r.Perm(x.Shape().TotalSize()) {
		x.Data().([]float64)[i] = .1*float64(place) + .05*d.r.Float64() - .2
	}
	return x
}

// positive makes the numbers of v at least 0.1.
func positive(v *tensor.Dense) *tensor.Dense {
	for i, x := range v.Data().([]float64) {
		v.Data().([]float64)[i] = math.Abs(x) + .1
	}
	return v
}

// at reads a tensor by its axes, 0 outside.
func at(v *tensor.Dense, index ...int) float64 {
	flat := 0
	for axis, i := range index {
		if i < 0 || i >= v.Shape()[axis] {
			return 0
		}
		flat = flat*v.Shape()[axis] + i
	}
	return v.Data().([]float64)[flat]
}

// each lists the results of f over all indices of a shape, row-major.
func each(shape tensor.Shape, f func(index []int) float64) []float64 {
	var out []float64
	index := make([]int, len(shape))
	var visit func(axis int)
	visit = func(axis int) {
		if axis == len(shape) {
			out = append(out, f(index))
			return
		}
		for index[axis] = 0; index[axis] < shape[axis]; index[axis]++ {
			visit(axis + 1)
		}
	}
	visit(0)
	return out
}

// sum adds f(0) ... f(n - 1).
func sum(n int, f func(i int) float64) float64 {
	s := 0.0
	for i := range n {
		s += f(i)
	}
	return s
}

func unaryExample(x *tensor.Dense, piece func(*G.Node) (*G.Node, error), f func(float64) float64) example {
	e := example{
		values: []*tensor.Dense{x},
		build:  func(in []*G.Node) (*G.Node, error) { return piece(in[0]) },
		naive: func(in []*tensor.Dense) []float64 {
			return each(in[0].Shape(), func(i []int) float64 { return f(at(in[0], i...)) })
		},
	}
	if x.Dims() != 1 {
		e.wrt = []int{0}
	}
	return e
}

// rowValue is [N, C], [N, 1] or [C].
func (d draw) rowValue(label string, n, c int) *tensor.Dense {
	switch d.n(label, 0, 2) {
	case 0:
		return opstest.Random(d.r, n, c)
	case 1:
		return opstest.Random(d.r, n, 1)
	default:
		return opstest.Random(d.r, c)
	}
}

// repeated reads a row value at [n, c] of the result that it is repeated to.
func repeated(v *tensor.Dense, n, c int) float64 {
	if v.Dims() == 1 {
		return at(v, c)
	}
	return at(v, n, min(c, v.Shape()[1]-1))
}

func (d draw) binary(piece func(a, b *G.Node) (*G.Node, error), f func(a, b float64) float64) example {
	n, c := d.n("N", 1, 4), d.n("C", 1, 5)
	a, b := d.rowValue("first", n, c), away(d.rowValue("second", n, c))
	e := example{values: []*tensor.Dense{a, b}, build: func(in []*G.Node) (*G.Node, error) { return piece(in[0], in[1]) }}
	for i, v := range e.values {
		if v.Dims() == 2 {
			e.wrt = append(e.wrt, i)
		}
	}
	width := max(a.Shape()[a.Dims()-1], b.Shape()[b.Dims()-1])
	shape := tensor.Shape{n, width}
	if len(e.wrt) == 0 {
		shape = tensor.Shape{1, c}
	}
	e.naive = func(in []*tensor.Dense) []float64 {
		return each(shape, func(i []int) float64 { return f(repeated(in[0], i[0], i[1]), repeated(in[1], i[0], i[1])) })
	}
	return e
}

// reduction is a piece that takes [N, C] to [N, 1]; the classes of a row are at least 0.05 apart.
func (d draw) reduction(piece func(*G.Node) (*G.Node, error), f func(row []float64) float64) example {
	n, c := d.n("N", 1, 4), d.n("C", 1, 6)
	x := apart(d, n, c)
	return example{
		values: []*tensor.Dense{x},
		build:  func(in []*G.Node) (*G.Node, error) { return piece(in[0]) },
		naive: func(in []*tensor.Dense) []float64 {
			return each(tensor.Shape{n}, func(i []int) float64 { return f(in[0].Data().([]float64)[i[0]*c : (i[0]+1)*c]) })
		},
		wrt: []int{0},
	}
}
