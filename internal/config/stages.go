package config

import "longtail/internal/fail"

// Values of train.fresh: what of a network is drawn although train.init_from names weights.
const (
	FreshNone       = "none"
	FreshClassifier = "classifier"
)

// Fresh are the values of train.fresh.
func Fresh() []string { return []string{FreshNone, FreshClassifier} }

// Values of train.freeze: what of a network keeps its values.
const (
	FreezeNone        = "none"
	FreezeFeatures    = "features"      // all but the classifier and the scale of the classes
	FreezeAllButScale = "all_but_scale" // all but the scale of the classes
)

// Freezes are the values of train.freeze.
func Freezes() []string { return []string{FreezeNone, FreezeFeatures, FreezeAllButScale} }

// maxRadius is far above the length of any row that training makes.
const maxRadius = 1e6

// Freeze is what of the network keeps its values: the features, and the classifier behind them.
func (c *Config) Freeze() (features, classifier bool) {
	return c.Train.Freeze != FreezeNone, c.Train.Freeze == FreezeAllButScale
}

// stageParts are the words of RunName for what the keys of a second stage change.
func (c *Config) stageParts() []string {
	var parts []string
	for _, p := range []struct {
		said bool
		word string
	}{
		{c.Train.InitFrom != "", "stage2"},
		{c.Train.Fresh != FreshNone, "fresh"},
		{c.Train.Freeze != FreezeNone, c.Train.Freeze + "_frozen"},
		{c.Model.ClassScale, "scaled"},
		{c.Train.MaxNorm > 0, "radius" + number64(c.Train.MaxNorm)},
	} {
		if p.said {
			parts = append(parts, p.word)
		}
	}
	return parts
}

// checkStages finds keys of a second stage that mean nothing without a first one, or that contradict each other.
func (c *Config) checkStages() error {
	t := &c.Train
	switch {
	case t.Freeze != FreezeNone && t.InitFrom == "":
		return fail.Usage("%s: train.freeze=%s would freeze random values: all weights are drawn\nname the run to start from with train.init_from=RUN, or leave train.freeze out",
			c.Place("train.freeze"), t.Freeze)
	case t.Freeze == FreezeAllButScale && !c.Model.ClassScale:
		return fail.Usage("%s: train.freeze=all_but_scale leaves nothing to train: the network has no scale of the classes\ngive model.class_scale=true, or train.freeze=features", c.Place("train.freeze"))
	case t.Freeze == FreezeAllButScale && t.Fresh == FreshClassifier:
		return fail.Usage("%s: train.freeze=all_but_scale would freeze the classifier that train.fresh=classifier draws\nleave one of them out, or use train.freeze=features", c.Place("train.freeze"))
	case t.Freeze == FreezeAllButScale && t.MaxNorm > 0:
		return fail.Usage("%s: train.max_norm=%v shortens rows of the classifier, which train.freeze=all_but_scale keeps\nleave train.max_norm out, or use train.freeze=features", c.Place("train.max_norm"), t.MaxNorm)
	case c.Model.ClassScale && c.Eval.TauNorm != NoTau:
		return fail.Usage("%s: eval.tau_norm=%s has no meaning with model.class_scale=true, whose numbers scale the classes already\nleave one of them out", c.Place("eval.tau_norm"), c.Eval.TauNorm)
	}
	if c.Train.Fresh != FreshNone && c.Train.InitFrom == "" {
		return fail.Usage("%s: train.fresh=%s changes nothing: all weights are drawn\nname the run to start from with train.init_from=RUN, or leave train.fresh out",
			c.Place("train.fresh"), c.Train.Fresh)
	}
	return nil
}
