package train

import (
	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Preview is what a run would be.
type Preview struct {
	ClassNames []string `json:"class_names"` // [C]
	Counts     []int    `json:"counts"`      // [C] training images a class
	Images     int      `json:"images"`      // N, training images
	Steps      int      `json:"steps"`
	Parameters int      `json:"parameters"` // trainable values
	Programs   []string `json:"programs"`   // the training and the evaluation program in a line each

	Train *plan.Program `json:"-"` // the training program, without checkpoints

	programs *Programs
	sets     int // that are evaluated
}

// Memory is what the run needs on a device. The error is that of FitMemory, and the memory is known in spite of it.
func (p *Preview) Memory(c *config.Config, d *device.Device) (*Memory, error) {
	return p.programs.fit(c, d.For(p.programs.Train), p.sets)
}

// NewPreview plans a run without training it. Images are read only where the config names a split file; dataDir is as in
// data.Spec.
func NewPreview(c *config.Config, dataDir string) (*Preview, error) {
	spec := c.DataSpec()
	spec.Dir = dataDir
	counts, err := data.Counts(spec)
	if err != nil {
		return nil, err
	}
	set, err := data.Lookup(spec.Dataset)
	if err != nil {
		return nil, err
	}
	p := &Preview{Counts: counts, ClassNames: set.Classes}
	for _, n := range counts {
		p.Images += n
	}
	if p.Steps, err = stepsOrError(c, p.Images); err != nil {
		return nil, err
	}
	images := set.NewImages(0) // a graph needs no pixels
	images.Labels = make([]int32, p.Images)
	programs, err := Build(c, &data.Dataset{Counts: counts, Train: images})
	if err != nil {
		return nil, err
	}
	p.Parameters, p.Train, p.programs, p.sets = programs.Parameters, programs.Train, programs, 1
	if c.Data.Validation > 0 {
		p.sets = 2
	}
	p.Programs = []string{programs.Train.Summary(), programs.Eval.Summary()}
	return p, nil
}

// stepsOrError is the number of steps of a run on n images; a run without a step is a usage error.
func stepsOrError(c *config.Config, n int) (int, error) {
	steps := Steps(n, c.Train.Batch, c.Train.Epochs)
	if steps == 0 {
		return 0, fail.Usage("%s: train.epochs=%v of %d images are less than a batch of %d: nothing would be trained\nraise train.epochs or lower train.batch",
			c.Place("train.epochs"), c.Train.Epochs, n, c.Train.Batch)
	}
	return steps, nil
}
