// Package loss holds the losses as sub-graphs, the class weights, and how both become the loss of a batch.
//
// A loss is one file: it registers a name with the options that it has, says what it asks of the classifier, and builds the loss of a
// sample from the operations on rows in internal/ops. Gorgonia differentiates the formula, and package plan compiles it, forward and
// backward, to one row program that every backend interprets: a loss needs no kernel.
//
//	l, err := loss.New("focal", loss.Options{"gamma": 1})
//	b := loss.Batch{Inputs: loss.Inputs{Logits: z, Target: h, Counts: counts}, Weight: w}
//	cost, err := b.Cost(l)
package loss

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// Loss is a training objective. N is the batch size and C the number of classes.
type Loss interface {
	// Head is what the loss asks of the classifier.
	Head(classes int) ops.Head
	// Build makes the loss of each sample, [N, 1], without class weights. A row of the target without a label (padding) may give any
	// finite number: [Batch.Cost] gives it the weight 0.
	Build(in *Inputs) (*G.Node, error)
}

// Inputs are what the loss of a sample is built from.
type Inputs struct {
	Logits *G.Node // [N, C]
	Target *G.Node // [N, C], 1 for the sample's label and 0 elsewhere; zeros for padding
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

// PerClass declares a node [C] with a number for each class, such as a margin or a log prior. It becomes an input of the program under
// that name, so that it can be set anew during a run and nothing is compiled again. A name that is declared already gives its node.
func (in *Inputs) PerClass(name string, values []float64) *G.Node {
	for _, d := range in.Declared {
		if d.Name == name {
			return d.Node
		}
	}
	d := Declared{Name: name, Initial: make([]float32, len(values))}
	for c, v := range values {
		d.Initial[c] = float32(v)
	}
	d.Node = G.NewVector(in.Logits.Graph(), in.Logits.Dtype(), G.WithShape(len(values)), G.WithName(name))
	in.Declared = append(in.Declared, d)
	return d.Node
}

// counts are the training images of each class [C], 1 each where they are not known.
func (in *Inputs) counts() []int {
	if in.Counts != nil {
		return in.Counts
	}
	ones := make([]int, in.Logits.Shape()[1])
	for c := range ones {
		ones[c] = 1
	}
	return ones
}
