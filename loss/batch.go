package loss

import (
	"fmt"
	"slices"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// What the weighted sum over a batch is divided by.
const (
	BySamples = "batch"   // the number of samples (Cui et al. 2019 and their code)
	ByWeights = "weights" // the sum of the samples' class weights, as PyTorch's cross_entropy does
)

// Divisors are the known divisors, the default first.
func Divisors() []string { return []string{BySamples, ByWeights} }

// Batch is what the loss of a batch is built from.
type Batch struct {
	Inputs
	Weight  *G.Node // [C], class weights
	Divisor string  // one of Divisors; empty: BySamples

	// Second and First describe mixed images, which have two labels: the second one [N, C], as Target is for the first, and the share
	// of the first one [N, 1]. Both are nil where every image has one label.
	Second, First *G.Node
}

// Cost is the loss of a batch, a scalar: (sum over the samples of w_y times the loss of a sample) / D. The weights and D are constants
// in the gradient. A mixed image counts as first * w_y1 * l(y1) + (1 - first) * w_y2 * l(y2), each loss with its own label: a soft
// target would not be the same for losses whose terms depend on the label.
func (b *Batch) Cost(l Loss) (*G.Node, error) {
	if b.Divisor != "" && !slices.Contains(Divisors(), b.Divisor) {
		return nil, fmt.Errorf("there is no divisor %q; there are %v", b.Divisor, Divisors())
	}
	var f formula
	weight := f.ofLabel(b.Target, b.Weight) // [N, 1], as all below
	if b.First != nil {
		weight = f.mul(b.First, weight)
	}
	second := b.secondWeight(&f)
	weight, second = b.divide(&f, weight, second)
	terms := f.mul(weight, f.keep(l.Build(&b.Inputs)))
	if second != nil {
		target := b.Target
		b.Target = b.Second
		terms = f.add(terms, f.mul(second, f.keep(l.Build(&b.Inputs))))
		b.Target = target
	}
	return f.mean(terms), f.err
}

// secondWeight is (1 - first) * w_y2, nil without second labels.
func (b *Batch) secondWeight(f *formula) *G.Node {
	if b.Second == nil {
		return nil
	}
	return f.mul(f.affine(b.First, -1, 1), f.ofLabel(b.Second, b.Weight))
}

// divide multiplies the weights of the samples by N / D, so that the mean over the batch divides by D.
func (b *Batch) divide(f *formula, first, second *G.Node) (*G.Node, *G.Node) {
	if b.Divisor != ByWeights || f.err != nil {
		return first, second
	}
	all := first
	if second != nil {
		all = f.add(first, second)
	}
	mean := f.affine(f.unary(ops.BatchSum, all), 1/float64(b.Logits.Shape()[0]), 0) // [1], D / N
	first = f.div(first, mean)
	if second != nil {
		second = f.div(second, mean)
	}
	return first, second
}
