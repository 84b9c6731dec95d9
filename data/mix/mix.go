// Package mix has the rules by which a training mixes the images of a batch, and their labels.
//
// A [Rule] is one file: it registers a name with the options that it has, and turns a [Batch] into a plan.Mixture. A [Mixing] is a rule for
// a run; it draws the mixture of every step from the run's seed and the number of the step alone, so that a run that resumes, on any
// backend and in calls of any length, sees the same images.
//
//	m, err := mix.New("mixup", mix.Options{"alpha": 0.2}, mix.Set{Seed: seed, Counts: counts, Height: 32, Width: 32})
package mix

import (
	"longtail/internal/plan"
	"longtail/internal/rng"
)

// None is the name for images that are not mixed.
const None = "none"

// Rule mixes batches. It draws random numbers with the methods of the batch alone.
type Rule interface {
	Mix(*Batch) plan.Mixture
}

// Set is what the batches of a run have in common.
type Set struct {
	Seed          uint64 // of the run
	Counts        []int  // [C] training images of each class
	Height, Width int    // of an image
}

// Batch is what a rule mixes.
type Batch struct {
	Set
	Labels []int32 // [N] of the images
	step   uint32
}

// Mixing is a rule with its options, for the batches of a run.
type Mixing struct {
	rule Rule
	set  Set
}

// New makes the mixing of a run. An unknown rule, options that it lacks and values out of bounds are errors.
func New(name string, o Options, s Set) (*Mixing, error) {
	rule, err := registry.New(name, o)
	return &Mixing{rule, s}, err
}

// Draw is the mixture of a step (the first is 0) whose images have those labels [N].
func (m *Mixing) Draw(step int, labels []int32) plan.Mixture {
	return m.rule.Mix(&Batch{m.set, labels, uint32(step)})
}

// The streams of a step: rng.New(seed, rng.Mix, step, ...).
const (
	factorStream uint32 = iota
	partnerStream
	boxStream
)

func (b *Batch) stream(of uint32) *rng.Stream { return rng.New(b.Seed, rng.Mix, b.step, of) }

// Factor is the factor l of the batch, a variate of Beta(alpha, alpha) that is rounded to float32, so that images and labels are mixed by
// the same number.
func (b *Batch) Factor(alpha float64) float32 { return float32(beta(b.stream(factorStream), alpha)) }

// Partners is a uniformly drawn permutation [N] of the places of the batch.
func (b *Batch) Partners() []int32 { return b.stream(partnerStream).Perm(len(b.Labels)) }

// Pixel is a uniformly drawn pixel of an image.
func (b *Batch) Pixel() (y, x int) {
	s := b.stream(boxStream)
	y = s.Intn(b.Height)
	return y, s.Intn(b.Width)
}

// Blend mixes every pixel and both labels by one factor.
func (b *Batch) Blend(l float32) plan.Mixture {
	m := plan.Mixture{Partners: b.Partners(), Share: l, First: make([]float32, len(b.Labels))}
	for i := range m.First {
		m.First[i] = l
	}
	return m
}
