package models

import (
	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// shortest bounds the squared length of what a cosine classifier scales to length 1 from below, so that a row of zeros stays one.
const shortest = 1e-12

// Names of the parameters of the classifier, a dense layer from features [N, F] to logits [N, C].
const (
	ClassifierWeight = "dense.weight" // [C, F]
	ClassifierBias   = "dense.bias"   // [C]
)

// IsClassifier reports whether a parameter of that name belongs to the classifier.
func IsClassifier(name string) bool { return name == ClassifierWeight || name == ClassifierBias }

// SecondStage reports whether a parameter of that name is one that only a second stage of training adds.
func SecondStage(name string) bool { return name == "scale.class" }

// classifier is the dense layer from features [N, F] to logits [N, C] that a loss asks for.
func (b *Builder) classifier(features *G.Node, h ops.Head) *G.Node {
	if b.err != nil {
		return nil
	}
	in, out := features.Shape()[1], b.config.Classes
	if h.Cosine {
		return b.cosine(features, in, out)
	}
	w := b.param(ClassifierWeight, b.spread(in, out), true, out, in)
	bias := b.param(ClassifierBias, ops.Init{Mean: h.BiasInit}, h.DecayBias, out)
	return b.keep(ops.Dense(features, w, bias))
}

// cosine gives the cosines of features and the rows of the weights; a row starts as a direction, uniform in a cube (Cao et al. 2019 and
// their code).
func (b *Builder) cosine(features *G.Node, in, out int) *G.Node {
	w := b.param(ClassifierWeight, ops.Init{Bound: 1, UnitRows: true}, true, out, in)
	features, w = b.keep(ops.RowNormalize(features, shortest)), b.keep(ops.RowNormalize(w, shortest))
	if b.err != nil {
		return nil
	}
	return b.keep(ops.Dense(features, w, nil))
}

// Classify draws the classifier alone, behind features [N, F] of any source.
func Classify(features *G.Node, c Config, h ops.Head) (Net, error) {
	b := &Builder{config: c, graph: features.Graph()}
	b.net.Logits = b.classifier(features, h)
	return b.net, b.err
}
