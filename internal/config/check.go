package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"longtail/data"
	"longtail/data/mix"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/loss"
	"longtail/models"
)

// Bounds that catch typos before they cost hours or memory.
const (
	maxEpochs = 100_000
	maxBatch  = 1 << 16
	maxRate   = 1000
)

// Values of train.checkpoint beside device.Auto, which checkpoints where memory is short.
const (
	CheckpointNever  = "never"
	CheckpointAlways = "always"
)

// Checkpoints are the values of train.checkpoint. The bits of a run do not depend on it.
func Checkpoints() []string { return []string{device.Auto, CheckpointNever, CheckpointAlways} }

// choice is a key whose value is one of some names.
type choice struct {
	key, value string
	allowed    []string
}

func (c *Config) choices() []choice {
	return []choice{
		{"data.dataset", c.Data.Dataset, c.datasets()},
		{"data.profile", c.Data.Profile, data.Profiles()},
		{"data.sampler", c.Data.Sampler, data.Samplers()},
		{"data.order", c.Data.Order, data.Orders()},
		{"data.split", c.Data.Split, data.Draws()},
		{"data.input", c.Data.Input, data.Inputs()},
		{"data.augment", c.Data.Augment, data.Augments()},
		{"data.crop", c.Data.Crop, data.Crops()},
		{"train.schedule", c.Train.Schedule, Schedules()},
		{"train.warmup", c.Train.Warmup, Warmups()},
		{"train.mix", c.Train.Mix, mix.Choices()},
		{"train.checkpoint", c.Train.Checkpoint, Checkpoints()},
		{"model.name", c.Model.Name, models.Names()},
		{"model.shortcut", c.Model.Shortcut, models.Shortcuts()},
		{"model.init", c.Model.Init, models.Inits()},
		{"train.fresh", c.Train.Fresh, Fresh()},
		{"train.freeze", c.Train.Freeze, Freezes()},
		{"loss.name", c.Loss.Name, loss.Names()},
		{"loss.weights", c.Loss.Weights, loss.Weightings()},
		{"loss.divisor", c.Loss.Divisor, loss.Divisors()},
		{"device", c.Device, device.Names()},
		{"precision", c.Precision, device.Precisions()},
	}
}

// datasets are the values of data.dataset: the registered sets and, where it names a file, that file, which is looked at later.
func (c *Config) datasets() []string {
	if data.IsFile(c.Data.Dataset) {
		return append(data.Names(), c.Data.Dataset)
	}
	return data.Names()
}

// UnknownName is the first key, and its value, that names what a result depends on and what this program does not have, such as the data
// set of a program to which one was added; empty where it has all.
func (c *Config) UnknownName() (key, value string) {
	for _, choice := range c.choices() {
		if RoleOf(choice.key) != Place && !slices.Contains(choice.allowed, choice.value) && choice.value != device.Auto {
			return choice.key, choice.value
		}
	}
	return "", ""
}

// check finds impossible values. A value that came from a file is reported with its line and column.
func (c *Config) check() error {
	for _, choice := range c.choices() {
		if err := c.checkChoice(choice.key, choice.value, choice.allowed); err != nil {
			return err
		}
	}
	t := c.Train
	for _, r := range []struct {
		key   string
		value any
		ok    bool
		want  string
	}{
		{"data.validation", c.Data.Validation, c.Data.Validation >= 0 && c.Data.Validation < 1, "a fraction of at least 0 and below 1"},
		{"data.max_per_class", c.Data.MaxPerClass, c.Data.MaxPerClass >= 0, "a number of images, or 0 for all"},
		{"data.sampler_beta", c.Data.SamplerBeta, c.Data.SamplerBeta > 0 && c.Data.SamplerBeta < 1, "above 0 and below 1, such as 0.9999"},
		{"data.resample_from", c.Data.ResampleFrom, c.Data.ResampleFrom >= 0 && c.Data.ResampleFrom <= maxEpochs, "a number of epochs, or 0 for the whole run"},
		{"loss.beta", c.Loss.Beta, c.Loss.Beta >= 0 && c.Loss.Beta < 1, "at least 0 and below 1, such as 0.9999"},
		{"loss.reweight_from", c.Loss.ReweightFrom, c.Loss.ReweightFrom >= 0 && c.Loss.ReweightFrom <= maxEpochs, "a number of epochs, or 0 for the whole run"},
		{"train.epochs", t.Epochs, t.Epochs > 0 && t.Epochs <= maxEpochs, fmt.Sprintf("above 0 and at most %d", maxEpochs)},
		{"train.batch", t.Batch, t.Batch >= 2 && t.Batch <= maxBatch, fmt.Sprintf("from 2 to %d: batch norm needs more than one image", maxBatch)},
		{"train.lr", t.LR, t.LR >= 0 && t.LR <= maxRate, fmt.Sprintf("from 0 to %d", maxRate)},
		{"train.warmup_epochs", t.WarmupEpochs, t.WarmupEpochs >= 0 && t.WarmupEpochs <= maxEpochs, "a number of epochs, or 0 for none"},
		{"train.momentum", t.Momentum, t.Momentum >= 0 && t.Momentum < 1, "at least 0 and below 1"},
		{"train.weight_decay", t.WeightDecay, t.WeightDecay >= 0 && t.WeightDecay <= 1, "from 0 to 1"},
		{"train.max_norm", t.MaxNorm, t.MaxNorm >= 0 && t.MaxNorm <= maxRadius, fmt.Sprintf("a radius above 0 and at most %g, or 0 for none", float64(maxRadius))},
		{"train.eval_every", t.EvalEvery, t.EvalEvery >= 0 && t.EvalEvery <= maxEpochs, "a number of epochs, or 0 for only at the end"},
		{"train.checkpoint_every", t.CheckpointEvery, t.CheckpointEvery >= 0, "a number of steps, or 0 for only at the end of epochs"},
		{"out", c.Out, !strings.ContainsFunc(c.Out, isControl), "a path without control characters"},
		{"train.init_from", t.InitFrom, !strings.ContainsFunc(t.InitFrom, isControl), "a path without control characters"},
		{"data.dataset", c.Data.Dataset, !strings.ContainsFunc(c.Data.Dataset, isControl), "a name, or a path without control characters"},
		{"data.split_file", c.Data.SplitFile, !strings.ContainsFunc(c.Data.SplitFile, isControl), "a path without control characters"},
	} {
		if !r.ok {
			return fail.Usage("%s: %s=%v is impossible: it must be %s", c.Place(r.key), r.key, r.value, r.want)
		}
	}
	for _, check := range []func() error{c.checkModel, c.checkLoss, c.checkSampling, c.checkCrop, c.checkStages, c.checkSchedule, c.checkMixing, c.checkData, c.checkEval} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }

func (c *Config) checkChoice(key, value string, allowed []string) error {
	for _, a := range allowed {
		if a == value {
			return nil
		}
	}
	hint := ""
	if n := nearest(value, allowed); n != "" {
		hint = fmt.Sprintf("; did you mean %q?", n)
	}
	return fail.Usage("%s: %s=%s: there is no such value%s\nchoose one of %s", c.Place(key), key, value, hint, strings.Join(allowed, ", "))
}

// checkData asks package data, which knows the sets, whether such a subset exists. A split file is not read here, and a data set that is a file
// may be elsewhere: what a run recorded is used without it, and whatever reads images looks for it.
func (c *Config) checkData() error {
	err := data.Check(c.DataSpec())
	if err == nil {
		_, err = c.NewInput()
	}
	if data.IsFile(c.Data.Dataset) && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		for _, key := range []string{"data.imbalance", "data.max_per_class", "data.validation", "data.split", "data.input"} {
			if c.Given(key) && strings.HasPrefix(err.Error(), key) {
				return fmt.Errorf("%s: %w", c.Place(key), err)
			}
		}
		return err
	}
	return nil
}
