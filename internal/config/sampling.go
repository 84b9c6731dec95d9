package config

import (
	"fmt"

	"longtail/data"
	"longtail/internal/fail"
)

// Sampling is how the config draws samples, as package data wants it.
func (c *Config) Sampling() data.Sampling {
	return data.Sampling{Sampler: c.Data.Sampler, From: c.Data.ResampleFrom, Order: c.Data.Order, Batch: c.Train.Batch}
}

// NewInput is how bytes become the network's input, for images of the config's data set.
func (c *Config) NewInput() (data.Input, error) {
	set, err := data.Lookup(c.Data.Dataset)
	if err != nil {
		return data.Input{}, err
	}
	return set.NewInput(c.Data.Input)
}

// samplingParts are the words of RunName for a subset, an input, an augmentation, a crop, an order and a sampler that are not the paper's.
func (c *Config) samplingParts() []string {
	var parts []string
	augment := c.Data.Augment
	if augment == data.NoAugment {
		augment = "unaugmented"
	}
	for _, p := range []struct{ value, usual, word string }{
		{c.Data.Split, data.SeedDraw, c.Data.Split},
		{c.Data.Input, data.BytesInput, c.Data.Input},
		{c.Data.Augment, data.StandardAugment, augment},
		{c.Data.Crop, data.PaddedCrop, c.Data.Crop},
		{c.Data.Order, data.UniformOrder, c.Data.Order},
		{c.Data.Sampler, data.Instance, c.Data.Sampler},
		{fmt.Sprint(c.Data.ResampleFrom), "0", fmt.Sprintf("from%d", c.Data.ResampleFrom)},
	} {
		if p.value != p.usual {
			parts = append(parts, p.word)
		}
	}
	return parts
}

// checkSampling finds values of the keys of sampling that contradict each other.
func (c *Config) checkSampling() error {
	d := c.Data
	switch {
	case d.ResampleFrom > 0 && d.Sampler == data.Instance:
		return fail.Usage("%s: data.resample_from=%d changes nothing with data.sampler=instance\nname the sampler that takes over, such as data.sampler=class, or leave data.resample_from at 0",
			c.Place("data.resample_from"), d.ResampleFrom)
	case float64(d.ResampleFrom) >= c.Train.Epochs:
		return fail.Usage("%s: data.resample_from=%d is never reached: train.epochs=%v\nlower data.resample_from, or leave it at 0 for the whole run",
			c.Place("data.resample_from"), d.ResampleFrom, c.Train.Epochs)
	case d.Order != data.UniformOrder && d.Sampler != data.Instance:
		return fail.Usage("%s: data.order=%s is the order of a permutation, and data.sampler=%s draws with replacement\nuse data.sampler=instance, or data.order=uniform",
			c.Place("data.order"), d.Order, d.Sampler)
	case d.Split != data.SeedDraw && d.SplitFile != "":
		return fail.Usage("%s: data.split=%s draws a subset, and data.split_file=%s names one\nleave one of them out", c.Place("data.split"), d.Split, d.SplitFile)
	}
	return nil
}
