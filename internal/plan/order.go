package plan

import (
	"fmt"

	"longtail/internal/ops"

	"gonum.org/v1/gonum/graph"
	G "gorgonia.org/gorgonia"
)

// Graph is what a program is made from: a Gorgonia graph after Grad, and the roles of its nodes.
type Graph struct {
	Pixels        Pixels // of the image; the zero value is byte / 128 - 1
	Image, Target *G.Node
	Second, First *G.Node // second targets and label factors; nil where Options.Mix is
	Logits, Loss  *G.Node
	Features      *G.Node // what the host may read of an evaluation graph beside the logits; nil for nothing
	Inputs        []GraphInput
	Params        []ops.Param
	Gradients     G.Nodes    // one a parameter, in order; nil for those without; empty in evaluation
	Stats         []ops.Stat // of a training graph
	Running       []*G.Node  // running moments, of an evaluation graph
}

// GraphInput is a node that the program's user sets by name.
type GraphInput struct {
	Name    string
	Node    *G.Node
	Initial []float32 // as many as the node has elements

	PerSample bool // a row is a sample of the batch, rather than what all samples share
}

// Compile orders a graph, cuts it into levels, fuses it and compiles its loss.
func Compile(g Graph, o Options) (*Program, error) {
	p, err := Order(g, o)
	if err != nil {
		return nil, err
	}
	if err := Compact(p); err != nil {
		return nil, err
	}
	Fuse(p)
	Level(p)
	Recompute(p)
	return p, nil
}

// Order walks the graph from its results and gives one step an operation, arguments before results.
func Order(g Graph, o Options) (*Program, error) {
	w := walker{at: map[int64]ValueID{}, program: &Program{Options: o}}
	p := w.program
	if p.Pixels = g.Pixels; p.Pixels == (Pixels{}) {
		p.Pixels = bytePixels
	}
	w.leaves(g)
	w.inputs(g)
	for _, root := range append(G.Nodes{g.Loss, g.Logits}, g.Gradients...) {
		if root != nil {
			w.visit(root)
		}
	}
	for _, s := range g.Stats {
		w.visit(s.Batch)
	}
	if w.err != nil {
		return nil, w.err
	}
	p.Loss, p.Logits, p.Features = w.at[g.Loss.ID()], w.at[g.Logits.ID()], None
	if at, reached := w.features(g); reached && !o.Train {
		p.Features = at
	}
	shape := g.Logits.Shape()
	p.Batch, p.Classes = shape[0], shape[1]
	for i, q := range g.Params {
		use := ParamUse{Value: w.at[q.Node.ID()], Gradient: None, Decay: q.Decay}
		if len(g.Gradients) > 0 && g.Gradients[i] != nil {
			use.Gradient = w.at[g.Gradients[i].ID()]
		}
		p.Params = append(p.Params, use)
	}
	for _, s := range g.Stats {
		p.Stats = append(p.Stats, StatUse{Batch: w.at[s.Batch.ID()], Name: s.Running, Count: s.Count})
	}
	return p, nil
}

// walker numbers the nodes of a graph in the order of their first use.
type walker struct {
	program *Program
	at      map[int64]ValueID // by node ID
	err     error
}

func (w *walker) add(n *G.Node, v Value) ValueID {
	id := ValueID(len(w.program.Values))
	v.Shape = n.Shape().Clone()
	w.program.Values = append(w.program.Values, v)
	w.at[n.ID()] = id
	return id
}

// leaves names the inputs and parameters, whether the graph uses them or not.
func (w *walker) leaves(g Graph) {
	p := w.program
	p.Image = w.add(g.Image, Value{Role: Image, Name: "image", Base: None})
	p.Target = w.add(g.Target, Value{Role: Target, Name: "target", Base: None})
	p.Second, p.First = None, None
	if mixes := p.Mix != nil; mixes != (g.Second != nil) || mixes != (g.First != nil) || mixes && !p.Train {
		w.err = fmt.Errorf("second targets and label factors belong to training programs that mix images")
		return
	}
	if p.Mix != nil {
		p.Second = w.add(g.Second, Value{Role: SecondTarget, Name: "second target", Base: None})
		p.First = w.add(g.First, Value{Role: FirstShare, Name: "label factors", Base: None})
	}
	for _, q := range g.Params {
		w.add(q.Node, Value{Role: Param, Name: q.Name, Base: None})
	}
	for _, n := range g.Running {
		p.Running = append(p.Running, w.add(n, Value{Role: Running, Name: n.Name(), Base: None}))
	}
}

// inputs names the values that are set from outside; a training program has its learning rates beside them.
func (w *walker) inputs(g Graph) {
	p := w.program
	if p.Train {
		p.Inputs = append(p.Inputs, Input{Name: LearningRates, Value: None})
	}
	for _, in := range g.Inputs {
		shape := in.Node.Shape().Clone()
		if _, err := p.Input(in.Name); err == nil || len(in.Initial) != shape.TotalSize() {
			w.err = fmt.Errorf("the input %q is declared twice, or with %d initial values for the shape %v", in.Name, len(in.Initial), shape)
			return
		}
		v := w.add(in.Node, Value{Role: FromInput, Name: in.Name, Base: None})
		p.Inputs = append(p.Inputs, Input{Name: in.Name, Value: v, Shape: shape, Initial: in.Initial, PerSample: in.PerSample})
	}
}

// features is the value of the graph's features, where the logits are computed from them.
func (w *walker) features(g Graph) (at ValueID, reached bool) {
	if g.Features == nil {
		return None, false
	}
	at, reached = w.at[g.Features.ID()]
	return at, reached
}

func (w *walker) visit(n *G.Node) {
	if _, seen := w.at[n.ID()]; seen || w.err != nil {
		return
	}
	args := arguments(n)
	in := make([]ValueID, len(args))
	for i, a := range args {
		w.visit(a)
		in[i] = w.at[a.ID()]
	}
	if w.err != nil {
		return
	}
	if len(args) == 0 {
		w.constant(n)
		return
	}
	op, err := w.operation(n, in)
	if err != nil {
		w.err = err
		return
	}
	if op.Kind() == ops.KindRow {
		w.add(n, Value{Role: Temp, Name: n.Name(), Base: in[0], Offset: op.Attrs().Index * n.Shape().TotalSize()})
		return
	}
	out := w.add(n, Value{Role: Temp, Name: op.Kind().String(), Base: None})
	w.program.Steps = append(w.program.Steps, Step{Kind: op.Kind(), Attrs: op.Attrs(), In: in, Out: out, Plus: None})
}

// operation gives the node's operation as one of ours. Grad adds one of Gorgonia's own, the accumulation of gradients, whose
// type is not exported, so that it is known by its name.
func (w *walker) operation(n *G.Node, in []ValueID) (ops.Op, error) {
	if op, ok := ops.Of(n); ok {
		return op, nil
	}
	if n.Op() == nil {
		return nil, fmt.Errorf("node %q is a variable without a value: declare it as an input", n.Name())
	}
	if n.Op().String() == "+ false" && len(in) == 2 {
		return ops.NewAdd(n, w.isRow(in[0]) && w.isRow(in[1])), nil
	}
	return nil, fmt.Errorf("the graph has an operation that is not ours: %v", n.Op())
}

// isRow reports whether a value is the result of a piece of a loss.
func (w *walker) isRow(v ValueID) bool {
	for _, s := range w.program.Steps {
		if s.Out == v {
			return s.Kind.IsRow()
		}
	}
	return false
}

func (w *walker) constant(n *G.Node) {
	value := Value{Role: Constant, Name: n.Name(), Base: None}
	if n.Value() == nil {
		w.err = fmt.Errorf("node %q is a variable without a value: declare it as an input", n.Name())
		return
	}
	switch x := n.Value().Data().(type) {
	case float32:
		value.Constant = float64(x)
	case float64:
		value.Constant = x
	default:
		w.err = fmt.Errorf("constant %q is not a scalar: declare it as an input", n.Name())
	}
	w.add(n, value)
}

// arguments are the inputs of a node in order, repeats kept.
func arguments(n *G.Node) G.Nodes {
	var in G.Nodes
	for _, c := range graph.NodesOf(n.Graph().From(n.ID())) {
		in = append(in, c.(*G.Node))
	}
	return in
}
