package config

import (
	"sync"

	"longtail/data"
)

// leftOut reports whether config.yaml and the identity are without a key.
func (e entry) leftOut() bool {
	return e.unused || e.implied || e.isOff() || e.later && format(e.value) == laterDefaults()[e.key]
}

// laterDefaults are the defaults of the keys that are left out where they have them.
var laterDefaults = sync.OnceValue(func() map[string]string {
	texts := map[string]string{}
	for _, e := range Defaults().entries() {
		if e.later {
			texts[e.key] = format(e.value)
		}
	}
	return texts
})

// Usual reports whether a key tells nothing about a run: it has no meaning beside the others, follows from one of them, or has its
// default, that of the chosen loss for an option.
func (c *Config) Usual(key string) bool {
	e, ok := c.find(key)
	if !ok || e.unused || e.implied {
		return true
	}
	usual := Defaults()
	usual.Loss.Name = c.Loss.Name
	usual.deriveLoss()
	return usual.Value(key) == format(e.value)
}

// unused reports whether a key has no meaning beside the values of others.
func (c *Config) unused(key string) bool {
	switch key {
	case "data.sampler_beta":
		return c.Data.Sampler != data.Effective
	case "data.scale", "data.ratio":
		return c.Data.Crop != data.ResizedCrop
	case "model.shortcut":
		return !c.choosesShortcut()
	case "train.milestones", "train.multipliers":
		return c.Train.Schedule == CosineSchedule
	}
	return c.Loss.unused(key)
}

// implied reports whether a key that came after the first runs has the value that follows from a key that they had.
func (c *Config) implied(key string) bool {
	return key == "loss.weights" && c.Loss.Weights == c.Loss.implied()
}
