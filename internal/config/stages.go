package config

import "longtail/internal/fail"

// Values of train.fresh: what of a network is drawn although train.init_from names weights.
const (
	FreshNone       = "none"
	FreshClassifier = "classifier"
)

// Fresh are the values of train.fresh.
func Fresh() []string { return []string{FreshNone, FreshClassifier} }

// checkStages finds keys of a second stage that mean nothing without a first one.
func (c *Config) checkStages() error {
	if c.Train.Fresh != FreshNone && c.Train.InitFrom == "" {
		return fail.Usage("%s: train.fresh=%s changes nothing: all weights are drawn\nname the run to start from with train.init_from=RUN, or leave train.fresh out",
			c.Place("train.fresh"), c.Train.Fresh)
	}
	return nil
}
