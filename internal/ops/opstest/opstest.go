// Package opstest checks graphs of operations: it evaluates them by their references and compares Gorgonia's gradients with
// finite differences in float64. Only tests import it.
package opstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/graph"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TB is what is used of a test: *testing.T and *rapid.T have it.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Build draws a graph on its inputs and gives its root.
type Build func(in []*G.Node) (*G.Node, error)

// Children are the arguments of a node in order, repeats kept.
func Children(n *G.Node) []*G.Node {
	var children []*G.Node
	for _, c := range graph.NodesOf(n.Graph().From(n.ID())) {
		children = append(children, c.(*G.Node))
	}
	return children
}

// Order lists what the roots need, every node once and after its arguments.
func Order(roots ...*G.Node) []*G.Node {
	var order []*G.Node
	seen := make(map[*G.Node]bool)
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, c := range Children(n) {
			visit(c)
		}
		order = append(order, n)
	}
	for _, root := range roots {
		visit(root)
	}
	return order
}

// Evaluate computes root from the values of the variables, each operation by its own Do.
func Evaluate(root *G.Node) (G.Value, error) { return evaluate(Order(root)) }

func evaluate(order []*G.Node) (G.Value, error) {
	values := make(map[*G.Node]G.Value, len(order))
	for _, n := range order {
		if n.Op() == nil {
			values[n] = n.Value()
			continue
		}
		var in []G.Value
		for _, c := range Children(n) {
			in = append(in, values[c])
		}
		v, err := n.Op().Do(in...)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n.Op(), err)
		}
		values[n] = v
	}
	return values[order[len(order)-1]], nil
}

// Floats are the numbers of a value as float64, row-major.
func Floats(v G.Value) []float64 {
	switch d := v.Data().(type) {
	case []float64:
		return d
	case float64:
		return []float64{d}
	case float32:
		return []float64{float64(d)}
	case []float32:
		wide := make([]float64, len(d))
		for i, x := range d {
			wide[i] = float64(x)
		}
		return wide
	default:
		panic(fmt.Sprintf("opstest: values of type %T", d))
	}
}

// Random is a tensor of standard normal deviates, float64.
func Random(r *rand.Rand, shape ...int) *tensor.Dense {
	v := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return Of(v, shape...)
}

// Of is a float64 tensor of these numbers.
func Of(v []float64, shape ...int) *tensor.Dense {
	return tensor.New(tensor.WithShape(slices.Clone(shape)...), tensor.WithBacking(v))
}

// Float32 is the tensor rounded to float32.
func Float32(v *tensor.Dense) *tensor.Dense {
	wide := v.Data().([]float64)
	single := make([]float32, len(wide))
	for i, x := range wide {
		single[i] = float32(x)
	}
	return tensor.New(tensor.WithShape(v.Shape().Clone()...), tensor.WithBacking(single))
}

// Inputs puts the values into a new graph as variables in0, in1, ...
func Inputs(values ...*tensor.Dense) []*G.Node {
	g := G.NewGraph()
	nodes := make([]*G.Node, len(values))
	for i, v := range values {
		nodes[i] = G.NewTensor(g, v.Dtype(), v.Dims(), G.WithShape(v.Shape().Clone()...), G.WithName(fmt.Sprintf("in%d", i)), G.WithValue(v))
	}
	return nodes
}

// Gradients runs root, a scalar, on Gorgonia's tape machine and gives its gradients with respect to the variables.
func Gradients(root *G.Node, wrt ...*G.Node) ([]G.Value, error) {
	if _, err := G.Grad(root, wrt...); err != nil {
		return nil, fmt.Errorf("differentiating: %w", err)
	}
	vm := G.NewTapeMachine(root.Graph(), G.BindDualValues(wrt...))
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return nil, fmt.Errorf("running the tape machine: %w", err)
	}
	gradients := make([]G.Value, len(wrt))
	for i, n := range wrt {
		g, err := n.Grad()
		if err != nil {
			return nil, fmt.Errorf("gradient %d: %w", i, err)
		}
		gradients[i] = g
	}
	return gradients, nil
}

// step is the finite difference's: its square and the rounding of float64 divided by it are both near 1e-10.
const step = 1e-5

// CheckGradients compares the gradients of what build draws with central finite differences: those of a random weighted sum
// of the result, with respect to the inputs numbered in wrt, each to within tolerance as Compare has it.
func CheckGradients(t TB, r *rand.Rand, tolerance float64, values []*tensor.Dense, wrt []int, build Build) {
	t.Helper()
	in := Inputs(values...)
	y, err := build(in)
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	weights := Random(r, y.Shape()...)
	root, err := Probe(y, weights)
	if err != nil {
		t.Fatalf("summing: %v", err)
	}
	forward := Order(root)
	var nodes []*G.Node
	for _, i := range wrt {
		nodes = append(nodes, in[i])
	}
	gradients, err := Gradients(root, nodes...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	for k, i := range wrt {
		got, want := Floats(gradients[k]), differences(t, forward, values[i].Data().([]float64))
		Compare(t, fmt.Sprintf("gradient of input %d %v", i, values[i].Shape()), got, want, tolerance)
	}
}

// differences are the central finite differences of the last node by the numbers of x, which it moves and puts back.
func differences(t TB, order []*G.Node, x []float64) []float64 {
	t.Helper()
	at := func() float64 {
		v, err := evaluate(order)
		if err != nil {
			t.Fatalf("evaluating: %v", err)
		}
		return Floats(v)[0]
	}
	d := make([]float64, len(x))
	for j, old := range x {
		x[j] = old + step
		up := at()
		x[j] = old - step
		down := at()
		x[j] = old
		d[j] = (up - down) / (2 * step)
	}
	return d
}

// floor is the size below which lists count as nearly zero: rounding is not relative to their numbers.
const floor = .01

// Compare fails where two lists differ by more than tolerance times the largest number in want, or of floor.
func Compare(t TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	scale := floor
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for j := range want {
		if !(math.Abs(got[j]-want[j]) <= tolerance*scale) {
			t.Fatalf("%s: [%d] is %.12g, want %.12g", what, j, got[j], want[j])
		}
	}
}
