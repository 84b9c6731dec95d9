package config

import (
	"fmt"
	"slices"
	"strings"

	"longtail/data"
)

// identifies reports whether a key is part of a run's identity.
func (e entry) identifies() bool { return e.role != Source && e.role != Place && !e.leftOut() }

// Identity is the config without what says where the run is and on what it computes, as YAML: equal for runs with equal
// results. A file of images is named without its folder: its checksum stands in the split.
func (c *Config) Identity() []byte {
	titled := *c
	titled.Data.Dataset = data.Title(c.Data.Dataset)
	return titled.yaml(entry.identifies)
}

// meaning is the text of what the value of a key stands for: equal in configs that compute the same.
func (c *Config) meaning(e entry) string {
	switch e.key {
	case "model.name":
		return c.Network()
	case "data.dataset": // a file that was moved; another one of its name has another checksum
		return data.Title(c.Data.Dataset)
	}
	return format(e.value)
}

// Differences are the keys in which two configs would compute different things, in the order of config.yaml.
func (c *Config) Differences(other *Config) []string {
	var keys []string
	theirs := other.entries()
	for i, e := range c.entries() {
		if c.meaning(e) != other.meaning(theirs[i]) && (e.identifies() || theirs[i].identifies()) {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// Conflict describes how a config differs from that of a run that has begun, "train.lr (0.1 there, 0.2 here)"; empty where it
// does not. A precision that is left open is the one that the run began with.
func (c *Config) Conflict(began *Config) string {
	mine := c.Clone()
	if mine.Precision == "auto" {
		mine.Precision = began.Precision
	}
	var parts []string
	for _, key := range mine.Differences(began) {
		there, here := began.Value(key), mine.Value(key)
		if key == "model.name" {
			there, here = began.Network(), mine.Network()
		}
		parts = append(parts, fmt.Sprintf("%s (%s there, %s here)", key, there, here))
	}
	return strings.Join(parts, ", ")
}

// Contradiction describes where settings of the form key=value differ from a config, "loss.beta (0.9 there, 0.99 here)" with the config
// as there; empty where they do not.
func (c *Config) Contradiction(settings []string) (string, error) {
	mine, said := c.Clone(), c.Clone()
	mine.Derive()
	if err := said.Override(settings); err != nil {
		return "", err
	}
	said.Derive()
	return said.Conflict(mine), nil
}

// inName are the keys that RunName shows, besides the section loss.
var inName = []string{
	"data.dataset", "data.imbalance", "data.profile", "model.name", "seed",
	"data.split", "data.input", "data.augment", "data.crop", "data.order", "data.sampler", "data.resample_from",
	"model.class_scale", "train.fresh", "train.freeze", "train.max_norm",
}

// InRunName reports whether RunName shows a key where it bears on the run.
func InRunName(key string) bool {
	return slices.Contains(inName, key) || strings.HasPrefix(key, "loss.") || key == "train.mix" || strings.HasPrefix(key, mixPrefix)
}

// RunName is a folder name that tells the runs of the paper's grid apart: cifar10-if100-focal-g1-b0.9999-s0. What is not the
// paper's (another model or profile) is in it too; the schedule is not.
func (c *Config) RunName() string {
	return c.NameWith(slices.Concat(c.samplingParts(), c.mixingParts(), []string{c.Loss.Name}, c.Loss.nameParts(), c.stageParts())...)
}

// NameWith is RunName with other words in place of the sampling, the mixing, the loss, its options and the second stage.
func (c *Config) NameWith(method ...string) string {
	parts := []string{data.Title(c.Data.Dataset), "if" + number64(float64(c.Data.Imbalance))}
	if c.Data.Imbalance == data.Natural {
		parts[1] = "natural"
	}
	if c.Data.Profile != "exp" {
		parts = append(parts, c.Data.Profile)
	}
	if name := c.Network(); name != "resnet32" {
		parts = append(parts, name)
	}
	parts = append(parts, method...)
	return strings.Join(append(parts, fmt.Sprintf("s%d", c.Seed)), "-")
}
