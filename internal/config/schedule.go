package config

import (
	"math"

	"longtail/internal/fail"
)

// The values of train.schedule and train.warmup; train.LearningRates has the formulas.
const (
	StepSchedule   = "step"   // drops at milestones
	CosineSchedule = "cosine" // half a cosine from the end of the warm-up to the end of the run
	StepWarmup     = "step"   // rises with every step
	EpochWarmup    = "epoch"  // rises with every epoch
)

// Schedules are the values of train.schedule.
func Schedules() []string { return []string{StepSchedule, CosineSchedule} }

// Warmups are the values of train.warmup.
func Warmups() []string { return []string{StepWarmup, EpochWarmup} }

// checkSchedule finds keys of the learning rate that contradict each other.
func (c *Config) checkSchedule() error {
	if c.Train.Nesterov && c.Train.Momentum == 0 {
		return fail.Usage("%s: train.nesterov=true needs a momentum, and train.momentum is 0\nuse for example train.momentum=0.9", c.Place("train.nesterov"))
	}
	if c.Train.Schedule == StepSchedule {
		return c.checkMilestones()
	}
	for _, key := range []string{"train.milestones", "train.multipliers"} {
		if c.Given(key) {
			return fail.Usage("%s: %s=%s has no meaning with train.schedule=%s\nleave it out, or use train.schedule=step", c.Place(key), key, c.Value(key), c.Train.Schedule)
		}
	}
	return nil
}

// checkMilestones compares milestones with multipliers.
func (c *Config) checkMilestones() error {
	t := c.Train
	if len(t.Milestones) != len(t.Multipliers) {
		key := "train.multipliers"
		if !c.Given(key) {
			key = "train.milestones"
		}
		return fail.Usage("%s: train.milestones has %d epochs and train.multipliers has %d numbers\ngive one multiplier for each milestone",
			c.Place(key), len(t.Milestones), len(t.Multipliers))
	}
	for i, m := range t.Milestones {
		if m < 0 || m > maxEpochs {
			return fail.Usage("%s: train.milestones=%v is impossible: epochs are from 0 to %d", c.Place("train.milestones"), t.Milestones, maxEpochs)
		}
		if i > 0 && m <= t.Milestones[i-1] {
			return fail.Usage("%s: train.milestones=%v is impossible: epochs must rise", c.Place("train.milestones"), t.Milestones)
		}
	}
	for _, m := range t.Multipliers {
		if m < 0 || m > maxRate {
			return fail.Usage("%s: train.multipliers=%v is impossible: multipliers of the base rate are from 0 to %d, such as 0.01",
				c.Place("train.multipliers"), t.Multipliers, maxRate)
		}
	}
	return nil
}

// Steps is the number of optimiser steps of so many epochs over n images: floor(n * epochs / batch). Batches straddle epochs
// and none is partial. A product that rounding leaves a hair below a whole number counts as that number.
func Steps(n, batch int, epochs float64) int {
	exact := float64(n) * epochs / float64(batch)
	return int(math.Floor(exact * (1 + 1e-12)))
}
