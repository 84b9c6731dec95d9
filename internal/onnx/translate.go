package onnx

import (
	"fmt"

	"longtail/internal/ops"
	"longtail/models"

	"gonum.org/v1/gonum/graph"
	G "gorgonia.org/gorgonia"
)

// Network is an evaluation network with its values.
type Network struct {
	Name   string
	Image  *G.Node // [N, channels, side, side]
	Net    models.Net
	Values map[string][]float32 // of parameters and running moments, by the names of their nodes
	// Metadata are kept in the file: what a user must know to feed the network.
	Metadata map[string]string
}

// Encode is the ONNX file of a network. Batch norm stays an operation of its own, which runtimes fold into the convolution. An operation
// that has no counterpart and a value that is missing are errors.
func Encode(n Network) ([]byte, error) {
	t := translator{writer: writer{known: map[string]bool{}}, network: n, names: map[*G.Node]string{n.Image: Input}}
	result, err := t.visit(n.Net.Logits)
	if err != nil {
		return nil, fmt.Errorf("writing %s as ONNX: %w", n.Name, err)
	}
	t.named(Output, "Identity", nil, result)
	return t.encode(n.Name, n.Image.Shape()[1:], n.Net.Logits.Shape()[1], n.Metadata), nil
}

// translator walks a graph from its result.
type translator struct {
	writer
	network Network
	names   map[*G.Node]string // what is written
}

// visit writes a node and what it needs, once, and gives its name.
func (t *translator) visit(n *G.Node) (string, error) {
	if name, done := t.names[n]; done {
		return name, nil
	}
	var in []string
	from := arguments(n)
	op, ours := ops.Of(n)
	switch {
	case len(from) == 0:
		name, err := t.parameter(n)
		t.names[n] = name
		return name, err
	case !ours:
		return "", fmt.Errorf("the operation %v is not one of this program", n.Op())
	case op.Kind() == ops.KindNormalize:
		from = from[:1] // its parameters are written in their own order
	}
	for _, c := range from {
		name, err := t.visit(c)
		if err != nil {
			return "", err
		}
		in = append(in, name)
	}
	name, err := t.operation(n, op, in)
	t.names[n] = name
	return name, err
}

// parameter writes the values of a leaf.
func (t *translator) parameter(n *G.Node) (string, error) {
	values, there := t.network.Values[n.Name()]
	if !there || len(values) != n.Shape().TotalSize() {
		return "", fmt.Errorf("%s of shape %v has %d values", n.Name(), n.Shape(), len(values))
	}
	return t.floats(n.Name(), n.Shape(), values), nil
}

// operation writes one operation on inputs.
func (t *translator) operation(n *G.Node, op ops.Op, in []string) (string, error) {
	a := op.Attrs()
	switch op.Kind() {
	case ops.KindConv:
		return t.node("Conv", map[string]any{"strides": both(a.Stride), "pads": around(a.Pad)}, in...), nil
	case ops.KindNormalize:
		return t.normalize(n, a, in[0])
	case ops.KindReLU:
		return t.node("Relu", nil, in...), nil
	case ops.KindAdd, ops.KindRowAdd:
		return t.node("Add", nil, in...), nil
	case ops.KindMul:
		return t.node("Mul", nil, in...), nil
	case ops.KindShortcutPool:
		return t.widen(n, t.node("AveragePool", map[string]any{"kernel_shape": both(2), "strides": both(2)}, in...)), nil
	case ops.KindShortcutSubsample:
		return t.widen(n, t.node("MaxPool", map[string]any{"kernel_shape": both(1), "strides": both(2)}, in...)), nil
	case ops.KindMaxPool:
		return t.node("MaxPool", map[string]any{"kernel_shape": both(a.Kernel), "strides": both(a.Stride), "pads": around(a.Pad)}, in...), nil
	case ops.KindGlobalAverage:
		return t.node("Flatten", map[string]any{"axis": 1}, t.node("GlobalAveragePool", nil, in...)), nil
	case ops.KindDense:
		return t.node("Gemm", map[string]any{"transB": 1}, in...), nil
	case ops.KindAffine:
		return t.node("Add", nil, t.node("Mul", nil, in[0], t.scalar(a.Scale)), t.scalar(a.Shift)), nil
	case ops.KindPower:
		return t.node("Pow", nil, in[0], t.scalar(a.Exponent)), nil
	case ops.KindRowSum:
		return t.node("ReduceSum", map[string]any{"keepdims": 1}, in[0], t.ints("axis_1", 1)), nil
	}
	return "", fmt.Errorf("it has no counterpart of %v", op.Kind())
}

// normalize is batch norm with running moments [2, C].
func (t *translator) normalize(n *G.Node, a ops.Attrs, x string) (string, error) {
	in := arguments(n)
	scale, errScale := t.visit(in[2])
	shift, errShift := t.visit(in[3])
	moments, there := t.network.Values[in[1].Name()]
	channels := n.Shape()[1]
	switch {
	case errScale != nil:
		return "", errScale
	case errShift != nil:
		return "", errShift
	case !there || len(moments) != 2*channels:
		return "", fmt.Errorf("%s of %d channels has %d values", in[1].Name(), channels, len(moments))
	}
	mean := t.floats(in[1].Name()+".mean", []int{channels}, moments[:channels])
	variance := t.floats(in[1].Name()+".variance", []int{channels}, moments[channels:])
	return t.node("BatchNormalization", map[string]any{"epsilon": float32(a.Eps)}, x, scale, shift, mean, variance), nil
}

// widen adds zero channels before and after x, in equal number, up to those of the node.
func (t *translator) widen(n *G.Node, x string) string {
	more := (n.Shape()[1] - arguments(n)[0].Shape()[1]) / 2
	if more == 0 {
		return x
	}
	return t.node("Pad", nil, x, t.ints(fmt.Sprintf("channels_%d", more), 0, more, 0, 0, 0, more, 0, 0))
}

// arguments are the inputs of a node in order, repeats kept.
func arguments(n *G.Node) (in []*G.Node) {
	for _, c := range graph.NodesOf(n.Graph().From(n.ID())) {
		in = append(in, c.(*G.Node))
	}
	return in
}

func both(n int) []int   { return []int{n, n} }
func around(n int) []int { return []int{n, n, n, n} }
