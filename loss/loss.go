// Package loss holds the class weights of the paper and the losses as sub-graphs.
//
// A loss is one file: it registers a name with the options that it has, says what it asks of the classifier, and builds its
// formula from the operations on rows in internal/ops. Gorgonia differentiates the formula, and package plan compiles it,
// forward and backward, to one row program that every backend interprets: a loss needs no kernel.
//
//	l, err := loss.New("focal", loss.Options{"gamma": 1})
//	cost, err := l.Build(&loss.Inputs{Logits: z, Target: h, Weight: w, Counts: counts})
package loss

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// Loss is a training objective. N is the batch size and C the number of classes.
type Loss interface {
	// Head is what the loss asks of the classifier.
	Head(classes int) ops.Head
	// Build makes the loss of a batch, a scalar: the sum of the losses of the samples divided by N. A sample whose target row
	// is zero must add nothing: evaluation pads its last batch with such rows.
	Build(in *Inputs) (*G.Node, error)
}

// Inputs are what a loss is built from.
type Inputs struct {
	Logits *G.Node // [N, C]
	Target *G.Node // [N, C], rows sum to 1, or to 0 for padding
	Weight *G.Node // [C], class weights
	Counts []int   // [C], training images of each class; nil where they are not known

	// Declared are the further inputs of the loss: see PerClass.
	Declared []Declared
}

// Declared is a node that a loss adds to the inputs of a program, with the values that hold until others are set.
type Declared struct {
	Name    string
	Node    *G.Node   // [C]
	Initial []float32 // [C]
}

// PerClass declares a node [C] with a number for each class, such as a margin or a log prior. It becomes an input of the
// program under that name, so that it can be set anew during a run and nothing is compiled again.
func (in *Inputs) PerClass(name string, values []float64) *G.Node {
	d := Declared{Name: name, Initial: make([]float32, len(values))}
	for c, v := range values {
		d.Initial[c] = float32(v)
	}
	d.Node = G.NewVector(in.Logits.Graph(), in.Logits.Dtype(), G.WithShape(len(values)), G.WithName(name))
	in.Declared = append(in.Declared, d)
	return d.Node
}

// weighted ends a loss: the batch mean of terms [N, C] times the weight [C] of each sample's true class.
func weighted(f *formula, terms *G.Node, in *Inputs) *G.Node {
	ofClass := f.rowSum(f.mul(in.Target, in.Weight)) // [N, 1]
	return f.mean(f.mul(ofClass, f.rowSum(terms)))
}
