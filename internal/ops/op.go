// Package ops holds the operations that longtail adds to Gorgonia: for each its kind, attributes, shape, gradient and a
// reference in float64.
//
// An operation here is a pure function of its inputs. Gorgonia's Grad differentiates graphs of them, Gorgonia's tape machine
// runs them by their reference, and a backend recognises them by Kind and Attrs. Nothing here knows a device.
//
// Layouts are logical: images and activations [N, C, H, W], convolution weights [O, I, K, K], dense weights [classes,
// features], per-channel values [C], pairs of per-channel values [2, C].
package ops

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Op is one of our operations as a backend sees it.
type Op interface {
	G.SDOp
	Kind() Kind
	Attrs() Attrs
}

// Attrs are the parameters of an operation; each kind says which ones it uses.
type Attrs struct {
	Stride, Pad   int     // windows
	Height, Width int     // of the result, where the inputs do not tell
	Channels      int     // of the result, where the inputs do not tell
	Kernel        int     // window side, where the inputs do not tell
	Rows          int     // of the result, where the inputs do not tell
	Index         int     // which row
	Eps           float64 // added to a variance
	Batch         bool    // the moments are those of the input itself
	Scale, Shift  float64 // of an affine map
	Exponent      float64 // of a power
	Learned       bool    // an input [C] has a gradient, summed over the samples
}

// definition is what one kind of operation is.
type definition struct {
	name  string
	shape func(a Attrs, in []tensor.Shape) (tensor.Shape, error)
	// wrt says which inputs have a gradient; nil is none.
	wrt func(a Attrs, in []tensor.Shape) []bool
	// grad gives the gradient of every input that has one, from the gradient of the output.
	grad func(o *op, in G.Nodes, out, grad *G.Node) (G.Nodes, error)
	// eval is the reference: out is zeroed, everything is row-major in the logical layout.
	eval func(o *op, out []float64, in [][]float64)
}

// op is an operation applied to inputs of known shapes.
type op struct {
	kind  Kind
	attrs Attrs
	in    []tensor.Shape
	out   tensor.Shape
}

// apply checks the shapes and puts the operation into the graph of its inputs.
func apply(k Kind, a Attrs, in ...*G.Node) (*G.Node, error) {
	shapes := make([]tensor.Shape, len(in))
	for i, n := range in {
		if n == nil {
			return nil, fmt.Errorf("%v: input %d is missing", k, i)
		}
		shapes[i] = n.Shape().Clone()
	}
	out, err := definitions[k].shape(a, shapes)
	if err != nil {
		return nil, fmt.Errorf("%v of %v: %w", k, shapes, err)
	}
	n, err := G.ApplyOp(&op{k, a, shapes, out}, in...)
	if err != nil {
		return nil, fmt.Errorf("%v of %v: %w", k, shapes, err)
	}
	return n, nil
}

// Kind is what the operation does.
func (o *op) Kind() Kind { return o.kind }

// Attrs are the operation's parameters.
func (o *op) Attrs() Attrs { return o.attrs }

// Arity is the number of inputs.
func (o *op) Arity() int { return len(o.in) }

// Type is the operation's Hindley-Milner type: tensors of the inputs' dimensions, all of one element type.
func (o *op) Type() hm.Type {
	types := make([]hm.Type, 0, len(o.in)+1)
	for _, s := range append(o.in[:len(o.in):len(o.in)], o.out) {
		var t hm.Type = hm.TypeVariable('a')
		if s.Dims() > 0 {
			t = G.TensorType{Dims: s.Dims(), Of: hm.TypeVariable('a')}
		}
		types = append(types, t)
	}
	return hm.NewFnType(types...)
}

// InferShape is the shape of the result, known since the operation was made.
func (o *op) InferShape(...G.DimSizer) (tensor.Shape, error) { return o.out.Clone(), nil }

// Do computes the reference, in float64 whatever the element type.
func (o *op) Do(values ...G.Value) (G.Value, error) {
	if len(values) != len(o.in) {
		return nil, fmt.Errorf("%v wants %d inputs, got %d", o.kind, len(o.in), len(values))
	}
	in := make([][]float64, len(values))
	double := true
	for i, v := range values {
		wide, isDouble, err := widen(v)
		if err != nil {
			return nil, fmt.Errorf("%v: input %d: %w", o.kind, i, err)
		}
		if len(wide) != o.in[i].TotalSize() {
			return nil, fmt.Errorf("%v: input %d has %d numbers, want %v", o.kind, i, len(wide), o.in[i])
		}
		in[i], double = wide, double && isDouble
	}
	out := make([]float64, o.out.TotalSize())
	definitions[o.kind].eval(o, out, in)
	return narrow(out, o.out, double), nil
}

// widen gives a value's elements as float64 and whether they were so already.
func widen(v G.Value) ([]float64, bool, error) {
	switch d := v.Data().(type) {
	case []float64:
		return d, true, nil
	case float64:
		return []float64{d}, true, nil
	case []float32:
		wide := make([]float64, len(d))
		for i, x := range d {
			wide[i] = float64(x)
		}
		return wide, false, nil
	case float32:
		return []float64{float64(d)}, false, nil
	default:
		return nil, false, fmt.Errorf("element type %T is neither float32 nor float64", d)
	}
}

func narrow(wide []float64, shape tensor.Shape, double bool) G.Value {
	switch {
	case shape.IsScalar() && double:
		return G.NewF64(wide[0])
	case shape.IsScalar():
		return G.NewF32(float32(wide[0]))
	case double:
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(wide))
	}
	single := make([]float32, len(wide))
	for i, x := range wide {
		single[i] = float32(x)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(single))
}

// ReturnsPtr, CallsExtern and OverwritesInput tell the tape machine that Do makes new values and calls nothing foreign.
func (o *op) ReturnsPtr() bool { return false }

// CallsExtern is false: references are plain Go.
func (o *op) CallsExtern() bool { return false }

// OverwritesInput is -1: no input is reused for the output.
func (o *op) OverwritesInput() int { return -1 }

// WriteHash writes everything that tells two operations apart: Gorgonia merges equal operations on equal inputs by it.
func (o *op) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "longtail %d %+v %v %v", o.kind, o.attrs, o.in, o.out)
}

// Hashcode is the 32-bit FNV-1a of WriteHash.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String is the kind's name.
func (o *op) String() string { return o.kind.String() }

// DiffWRT says which inputs have a gradient.
func (o *op) DiffWRT(inputs int) []bool {
	if wrt := definitions[o.kind].wrt; wrt != nil {
		return wrt(o.attrs, o.in)
	}
	return make([]bool, inputs)
}

// SymDiff builds the gradients of the inputs as nodes; nil where there is none.
func (o *op) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	d := definitions[o.kind]
	if d.grad == nil {
		return nil, fmt.Errorf("%v has no gradient", o.kind)
	}
	return d.grad(o, in, out, grad)
}

// chain collects the first error of a row of node constructions, so that formulas stay readable.
type chain struct{ err error }

func (c *chain) do(n *G.Node, err error) *G.Node {
	if c.err == nil {
		c.err = err
	}
	return n
}

func all(_ Attrs, in []tensor.Shape) []bool {
	wrt := make([]bool, len(in))
	for i := range wrt {
		wrt[i] = true
	}
	return wrt
}

func only(which ...bool) func(Attrs, []tensor.Shape) []bool {
	return func(Attrs, []tensor.Shape) []bool { return which }
}
