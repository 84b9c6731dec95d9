// Package config owns what an experiment is: its keys with their defaults, types, bounds and roles, how they are read and
// written, what makes two runs the same, and what a run is called. Training, sweeps and evaluation all ask here.
//
//	c, err := config.Load("configs/demo.yaml", []string{"loss.beta=0.999", "seed=3"})
//
// [Load] reads a file, applies overrides, completes values that follow from others, and checks everything. Values of names
// (losses, models, data sets, samplers, devices) are those that are registered, and a registered loss brings its options as
// keys of the section loss: nothing here lists them.
package config

import (
	"maps"
	"slices"

	"longtail/data"
	"longtail/data/mix"
	"longtail/internal/device"
	"longtail/internal/fail"
)

// Config is everything that decides what a run computes, and where. Keys are "section.name" in lower case, as in the tags;
// epochs are passes over the training set and may be fractions. The tag role is the key's Role, follows the key that its
// default is computed from; later marks a key that came after the first runs were made: config.yaml leaves it out at its default, so that
// their fingerprints stay.
type Config struct {
	Data      Data   `key:"data"`
	Model     Model  `key:"model"`
	Loss      Loss   `key:"loss"`
	Train     Train  `key:"train"`
	Eval      Eval   `key:"eval"`
	Seed      uint64 `key:"seed" role:"repetition"` // of initial values, order, crops and flips
	Device    string `key:"device" role:"place"`    // auto, or a registered device
	Precision string `key:"precision"`              // auto, fp32 or mixed; a run records the one that it took
	Out       string `key:"out" role:"place"`       // the run's folder, or the folder of runs of a sweep

	mixing map[string]*float64 // options of all rules of mixing, by name: the keys train.mix_NAME, of which those of the chosen rule count
	places map[string]string   // where each value that was given stands, for messages
}

// Data is the section data: which images.
type Data struct {
	Dataset     string  `key:"dataset"`                      // one of data.Names, or a packed file
	Imbalance   Factor  `key:"imbalance"`                    // most frequent over rarest class, at least 1, or none; not given: none for a file, else 100
	Profile     string  `key:"profile"`                      // one of data.Profiles
	MaxPerClass int     `key:"max_per_class"`                // training images of the most frequent class; 0: all
	SplitSeed   uint64  `key:"split_seed" role:"repetition"` // draws the subset
	SplitFile   string  `key:"split_file" role:"source"`     // takes the subset from a file; empty: draws it
	Validation  float64 `key:"validation"`                   // held-out part of the training images, in [0, 1)
	Sampler     string  `key:"sampler"`                      // one of data.Samplers

	SamplerBeta  float64 `key:"sampler_beta" later:"yes"`  // in (0, 1), of the sampler effective
	ResampleFrom int     `key:"resample_from" later:"yes"` // epochs that are sampled by instance before the sampler takes over
	Order        string  `key:"order" later:"yes"`         // one of data.Orders
	Split        string  `key:"split" later:"yes"`         // one of data.Draws: how split_seed draws the subset
	Input        string  `key:"input" later:"yes"`         // one of data.Inputs
	Augment      string  `key:"augment" later:"yes"`       // one of data.Augments

	Crop  string    `key:"crop" later:"yes"`  // one of data.Crops
	Scale []float64 `key:"scale" later:"yes"` // least and largest area of a random_resized crop, in areas of the image
	Ratio []float64 `key:"ratio" later:"yes"` // least and largest width / height of one
}

// Model is the section model.
type Model struct {
	Name     string `key:"name"`     // one of models.Names
	Shortcut string `key:"shortcut"` // one of models.Shortcuts
	Init     string `key:"init"`     // one of models.Inits

	ClassScale bool `key:"class_scale" later:"yes"` // logits are multiplied by a learned number for each class
}

// Train is the section train. The rate of a step is the base rate lr * batch / 128, warmed up and multiplied: see
// train.LearningRates.
type Train struct {
	Epochs          float64   `key:"epochs"`
	Batch           int       `key:"batch"`
	LR              float64   `key:"lr"`                                   // at batch 128; other batch sizes scale it in proportion
	WarmupEpochs    float64   `key:"warmup_epochs" follows:"train.epochs"` // linear from 0; not given: epochs / 40
	Milestones      []float64 `key:"milestones" follows:"train.epochs"`    // epochs from which the multipliers hold; not given: 0.8 and 0.9 of epochs
	Multipliers     []float64 `key:"multipliers" follows:"data.imbalance"` // of the base rate, one a milestone; not given: the paper's
	Momentum        float64   `key:"momentum"`                             // in [0, 1)
	WeightDecay     float64   `key:"weight_decay"`                         // at least 0
	EvalEvery       float64   `key:"eval_every" role:"observation"`        // epochs between two tests; below 1: every epoch; 0: only at the end
	CheckpointEvery int       `key:"checkpoint_every" role:"bookkeeping"`  // steps between two checkpoints; 0: only at the end of epochs

	Schedule string `key:"schedule" later:"yes"` // one of Schedules
	Warmup   string `key:"warmup" later:"yes"`   // one of Warmups
	Nesterov bool   `key:"nesterov" later:"yes"` // momentum of Nesterov's kind
	Mix      string `key:"mix" later:"yes"`      // one of mix.Choices: how the images of a batch are mixed

	InitFrom string `key:"init_from" role:"source" later:"yes"` // a run whose weights are where this one starts; empty: drawn ones
	Fresh    string `key:"fresh" later:"yes"`                   // one of Fresh: what is drawn nevertheless
	Freeze   string `key:"freeze" later:"yes"`                  // one of Freezes: what keeps its values

	Checkpoint string `key:"checkpoint" role:"place" later:"yes"` // one of Checkpoints: whether activations are computed twice rather than kept

	MaxNorm float64 `key:"max_norm" later:"yes"` // rows of the classifier are shortened to this length after each epoch; 0: not
}

// Defaults is the protocol of Cui et al. (CVPR 2019) for ResNet-32 on CIFAR-10 at imbalance factor 100 with softmax. Values
// that follow from others (warm-up, milestones, multipliers, out) are empty until Complete.
func Defaults() *Config {
	return &Config{
		Data: Data{
			Dataset: "cifar10", Imbalance: 100, Profile: "exp", Sampler: data.Instance, SamplerBeta: 0.9999,
			Order: data.UniformOrder, Split: data.SeedDraw, Input: data.BytesInput, Augment: data.StandardAugment,
			Crop: data.PaddedCrop, Scale: []float64{0.08, 1}, Ratio: []float64{0.75, 1.3333},
		},
		Model: Model{Name: "resnet32", Shortcut: "avgpool", Init: "glorot"},
		Loss:  newLoss(),
		Train: Train{
			Epochs: 200, Batch: 128, LR: 0.1, Momentum: 0.9, WeightDecay: 2e-4, EvalEvery: 1, Schedule: StepSchedule, Warmup: StepWarmup, Fresh: FreshNone, Freeze: FreezeNone,
			Mix: mix.None, Checkpoint: device.Auto,
		},
		Eval:   Eval{Adjust: NoTau, TauNorm: NoTau},
		Device: "auto", Precision: "auto",
		mixing: defaultMixing(), places: map[string]string{},
	}
}

// Load reads a config file (path "" is none), applies overrides of the form key=value, fills in what was left open and checks
// everything. Errors are usage errors that name the file, line and column, or the override, the key and what would be right.
func Load(path string, overrides []string) (*Config, error) {
	c := Defaults()
	if path != "" {
		if err := c.readFile(path); err != nil {
			return nil, err
		}
	}
	if err := c.Override(overrides); err != nil {
		return nil, err
	}
	return c, c.Complete()
}

// LoadRun reads the config.yaml of a run's folder, a regular file. Earlier versions wrote options that the loss does not use, with whatever
// value they were given: these are forgotten.
func LoadRun(path string) (*Config, error) {
	text, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := Defaults()
	if err := c.Parse(text, path); err != nil {
		return nil, err
	}
	c.DropUnused()
	return c, c.Complete()
}

// Complete fills in the values that follow from others where they were not given, and checks all values.
func (c *Config) Complete() error {
	c.Derive()
	if t := c.Train; !c.Given("train.multipliers") && len(t.Milestones) != len(t.Multipliers) {
		return fail.Usage("%s: train.milestones has %d epochs and train.multipliers is not given\ngive one multiplier for each milestone, as in train.multipliers=[0.1, 0.01]",
			c.Place("train.milestones"), len(t.Milestones))
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.Out == "" {
		c.Out = "runs/" + c.RunName()
	}
	return nil
}

// Derive computes the values that follow from others and were not given, and checks nothing.
func (c *Config) Derive() {
	t := &c.Train
	if !c.Given("data.imbalance") && data.IsFile(c.Data.Dataset) {
		c.Data.Imbalance = data.Natural
	}
	if !c.Given("train.warmup_epochs") {
		t.WarmupEpochs = t.Epochs / 40
	}
	if !c.Given("train.milestones") {
		t.Milestones = []float64{t.Epochs * 4 / 5, t.Epochs * 9 / 10}
	}
	if !c.Given("train.multipliers") {
		t.Multipliers = paperMultipliers(float64(c.Data.Imbalance))
	}
	c.deriveLoss()
}

// paperMultipliers are the two drops of the base rate in the authors' scripts: harder ones for long-tailed data.
func paperMultipliers(imbalance float64) []float64 {
	if imbalance == 1 {
		return []float64{0.1, 0.01}
	}
	return []float64{0.01, 0.0001}
}

// Protocol is the paper's for an imbalance factor, with the schedule in proportion to a number of epochs.
func Protocol(imbalance, epochs float64) *Config {
	c := Defaults()
	c.Data.Imbalance, c.Train.Epochs = Factor(imbalance), epochs
	c.Derive()
	return c
}

// Clone is a copy that shares nothing, for a grid of configs.
func (c *Config) Clone() *Config {
	d := *c
	d.Data.Scale, d.Data.Ratio = slices.Clone(c.Data.Scale), slices.Clone(c.Data.Ratio)
	d.Train.Milestones = slices.Clone(c.Train.Milestones)
	d.Train.Multipliers = slices.Clone(c.Train.Multipliers)
	d.places = maps.Clone(c.places)
	d.Loss = c.Loss.clone()
	d.mixing = copied(c.mixing)
	return &d
}

// Given reports whether a key was set by a file or an override, rather than left at its default.
func (c *Config) Given(key string) bool {
	_, given := c.places[key]
	return given
}

// Place is where a key's value comes from, for messages: "FILE:LINE:COLUMN", "command line" or "default".
func (c *Config) Place(key string) string {
	if place, given := c.places[key]; given {
		return place
	}
	return "default"
}

// DataSpec is the data section as package data wants it. The folder with the files is no part of a config: set Dir.
func (c *Config) DataSpec() data.Spec {
	d := c.Data
	return data.Spec{
		Dataset: d.Dataset, Imbalance: float64(d.Imbalance), Profile: d.Profile, MaxPerClass: d.MaxPerClass,
		SplitSeed: d.SplitSeed, SplitFile: d.SplitFile, Validation: d.Validation, Draw: d.Split,
	}
}
