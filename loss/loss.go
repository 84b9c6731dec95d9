// Package loss holds the class weights of the paper and the losses as sub-graphs.
//
// A loss is made of the pieces in internal/ops/row.go and its neighbours: whatever is written in them is differentiated by
// Gorgonia and compiled to one row program, so that a new loss is one file here, with one Register call, and no kernel.
package loss

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// Loss is a training objective. N is the batch size and C the number of classes.
type Loss interface {
	// Head is what the loss asks of the classifier.
	Head(classes int) ops.Head
	// Build makes the loss of a batch, a scalar: the sum of the losses of the samples divided by N. logits and target are
	// [N, C], weight [C]. A sample whose target row is zero must add nothing: evaluation pads its last batch with such rows.
	Build(logits, target, weight *G.Node) (*G.Node, error)
}

// Options are the parameters that losses may use.
type Options struct {
	Gamma float64 // focusing parameter of the focal loss, >= 0
}

var registry = map[string]func(Options) Loss{}

// Register makes a loss known under a name. It is called when the program starts; a name that is taken panics.
func Register(name string, make func(Options) Loss) {
	if _, taken := registry[name]; taken {
		panic("loss: " + name + " is registered twice")
	}
	registry[name] = make
}

// Names are the known losses, in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }

// New makes the loss of that name. An unknown name and a gamma that is negative or no number are errors.
func New(name string, o Options) (Loss, error) {
	make, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("there is no loss %q; there are %v", name, Names())
	}
	if !(o.Gamma >= 0) || math.IsInf(o.Gamma, 1) {
		return nil, fmt.Errorf("the focal loss wants a gamma of at least 0, not %v", o.Gamma)
	}
	return make(o), nil
}

// weighted ends a loss: the batch mean of terms [N, C] times the weight [C] of each sample's true class.
func weighted(f *formula, terms, target, weight *G.Node) *G.Node {
	ofClass := f.rowSum(f.mul(target, weight)) // [N, 1]
	return f.mean(f.mul(ofClass, f.rowSum(terms)))
}
