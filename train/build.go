package train

import (
	"longtail/data"
	"longtail/data/mix"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/models"
)

// evaluationBatch is the batch size of evaluation programs; the last batch of a set is padded.
const evaluationBatch = 100

// runningKeep is how much of the running moments of batch norm a step keeps; the paper's.
const runningKeep = 0.9

// Programs are what a run executes.
type Programs struct {
	Train, Eval *plan.Program
	Initial     device.State // parameters, zero momenta, running moments
	Weights     Weights      // of the classes
	Parameters  int          // trainable values

	replan func(batch int) (*plan.Program, error) // Train at another batch size
}

// Build makes the programs of a configuration for a data set.
func Build(cfg *config.Config, ds *data.Dataset) (*Programs, error) {
	n, err := Network(cfg, ds.Train, ds.Counts)
	if err != nil {
		return nil, err
	}
	o, err := Options(cfg, ds.Train)
	if err != nil {
		return nil, err
	}
	training, net, err := n.Plan(cfg.Train.Batch, o)
	if err != nil {
		return nil, unfit(cfg, ds.Train, err)
	}
	evaluation, _, err := n.Plan(evaluationBatch, plan.Options{})
	if err != nil {
		return nil, err
	}
	weights, err := newWeights(cfg, ds.Counts)
	replan := func(batch int) (*plan.Program, error) {
		p, _, err := n.Plan(batch, o)
		return p, err
	}
	return &Programs{training, evaluation, program.InitialState(net, cfg.Seed), weights, net.Parameters(), replan}, err
}

// unfit is the error of a network that cannot be planned for images of a size.
func unfit(cfg *config.Config, images data.Images, err error) error {
	if images.Height%4 == 0 && images.Width%4 == 0 {
		return err
	}
	return fail.Usage("model.name=%s cannot take images of %d x %d pixels: %w\nuse images whose sides are multiples of 4, packed with --size %d for example",
		cfg.Network(), images.Height, images.Width, err, (images.Height+3)/4*4)
}

// Network is the graph of a configuration for images of that size and number of classes; counts are the training images of each
// class [C], nil where they are not known.
func Network(cfg *config.Config, images data.Images, counts []int) (program.Network, error) {
	input, err := cfg.NewInput()
	if err != nil {
		return program.Network{}, err
	}
	return network(cfg, images, counts, input), nil
}

// network is Network for images whose bytes become numbers in a known way.
func network(cfg *config.Config, images data.Images, counts []int, input data.Input) program.Network {
	m := models.Config{Name: cfg.Network(), Classes: images.Classes, Shortcut: cfg.Model.Shortcut, Init: cfg.Model.Init, ClassScale: cfg.Model.ClassScale}
	m.Frozen, m.FrozenClassifier = cfg.Freeze()
	return program.Network{
		Model: m,
		Image: program.Size{Channels: images.Channels, Height: images.Height, Width: images.Width}, Pixels: plan.Pixels(input),
		Loss: cfg.Loss.Name, Options: cfg.Loss.Options(), Counts: counts, Divisor: cfg.Loss.Divisor,
	}
}

// Options are what surrounds the graph of a program that trains on those images.
func Options(cfg *config.Config, images data.Images) (plan.Options, error) {
	o := plan.Options{
		Train: true, Augment: cfg.Data.Augment != data.NoAugment, Seed: cfg.Seed, Samples: images.Len(),
		Momentum: float32(cfg.Train.Momentum), WeightDecay: float32(cfg.Train.WeightDecay), Nesterov: cfg.Train.Nesterov, RunningKeep: runningKeep,
	}
	if cfg.Data.Crop == data.ResizedCrop {
		o.Resized = plan.Resized(data.NewResized([2]float64(cfg.Data.Scale), [2]float64(cfg.Data.Ratio), images.Height, images.Width))
	}
	if cfg.Data.Augment == data.CutoutAugment {
		o.Cutout = data.CutoutSide(images.Height)
	}
	o.RepeatsFrom, o.Repeats = cfg.Sampling().Repeats()
	set := mix.Set{Seed: cfg.Seed, Counts: countLabels(images), Height: images.Height, Width: images.Width}
	m, err := cfg.NewMixing(set)
	if m != nil {
		o.Mix = m
	}
	return o, err
}

// NewStream is the stream of samples of a run on images with those labels [N]; files says where the images lie.
func NewStream(cfg *config.Config, labels []int32, classes int, files data.Files) (*data.Stream, error) {
	e := data.Epoch{Seed: cfg.Seed, Epochs: cfg.Train.Epochs, Labels: labels, Classes: classes, Beta: cfg.Data.SamplerBeta}
	return data.NewStream(cfg.Sampling(), e, files)
}
