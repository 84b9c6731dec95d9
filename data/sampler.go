package data

import (
	"maps"
	"slices"
)

// Epoch is what a sampler may look at.
type Epoch struct {
	Seed    uint64  // of the run
	Number  int     // of the epoch, the first is 0
	Epochs  float64 // of the whole run
	Labels  []int32 // [N] of the training images
	Classes int     // C
	Beta    float64 // of effective numbers, in [0, 1)
}

// Sampler decides which training images an epoch shows, and in which order: N indices into them, where an image may come more than
// once. It draws random numbers from internal/rng alone, keyed by the epoch's seed and number, so that a run that resumes sees the
// same images.
type Sampler func(Epoch) ([]int32, error)

var samplers = map[string]Sampler{}

// RegisterSampler makes a sampler known under a name, a value of the key data.sampler. It is called from init; a taken name is a
// panic.
func RegisterSampler(name string, s Sampler) {
	if _, taken := samplers[name]; taken {
		panic("data: sampler " + name + " is registered twice")
	}
	samplers[name] = s
}

// RegisterClassSampler makes a sampler known that draws N images an epoch with replacement: a class by the probabilities of a rule,
// then an image of the class, each as likely. It is called from init; a taken name is a panic.
func RegisterClassSampler(name string, rule ClassRule) {
	registerRule(name, rule)
	RegisterSampler(name, func(e Epoch) ([]int32, error) { return e.draw(name) })
}

// Samplers are the names of the known samplers.
func Samplers() []string { return slices.Sorted(maps.Keys(samplers)) }
