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
	ClassScale       = "scale.class"  // [C], behind the dense layer, of networks that have it
)

// IsClassifier reports whether a parameter of that name belongs to the classifier.
func IsClassifier(name string) bool {
	return name == ClassifierWeight || name == ClassifierBias || name == ClassScale
}

// SecondStage reports whether a parameter of that name is one that only a second stage of training adds.
func SecondStage(name string) bool { return name == ClassScale }

// logits is what follows the features [N, F]: the classifier and, where the network has it, the scale of the classes.
func (b *Builder) logits(features *G.Node, h ops.Head) *G.Node {
	b.frozen = b.config.FrozenClassifier
	z := b.classifier(features, h)
	b.frozen = false
	return b.scaled(z)
}

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

// scaled multiplies the logits [N, C] by a learned number for each class, 1 at the start and decayed as other weights are: the learnable
// weight scaling of Kang et al., "Decoupling Representation and Classifier for Long-Tailed Recognition", ICLR 2020, section 4.
func (b *Builder) scaled(logits *G.Node) *G.Node {
	if b.err != nil || !b.config.ClassScale {
		return logits
	}
	s := b.param(ClassScale, ops.Init{Mean: 1}, true, b.config.Classes)
	return b.keep(ops.ScaleColumns(logits, s))
}

// Classify draws what follows the features alone, behind features [N, F] of any source.
func Classify(features *G.Node, c Config, h ops.Head) (Net, error) {
	b := &Builder{config: c, graph: features.Graph()}
	b.net.Logits = b.logits(features, h)
	return b.net, b.err
}
