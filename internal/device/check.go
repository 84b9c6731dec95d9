package device

import (
	"fmt"
	"maps"
	"slices"

	"longtail/data"
	"longtail/internal/plan"

	"gorgonia.org/tensor"
)

// CheckImages compares a set of images with the program that is to run on it.
func CheckImages(p *plan.Program, m data.Images) error {
	if m.Classes != p.Classes {
		return fmt.Errorf("the images have %d classes and the program %d", m.Classes, p.Classes)
	}
	if want := p.Values[p.Image].Shape; m.Channels != want[1] || m.Height != want[2] || m.Width != want[3] {
		return fmt.Errorf("the images are %d x %d x %d and the program's %d x %d x %d", m.Channels, m.Height, m.Width, want[1], want[2], want[3])
	}
	return nil
}

// CheckRun compares the arguments of Session.Run with the program, the number of images and the number of learning rates that
// were set.
func CheckRun(p *plan.Program, order []int32, first, n, images, rates int) error {
	if len(order) != n*p.Batch {
		return fmt.Errorf("%d steps of batch %d want %d samples, got %d", n, p.Batch, n*p.Batch, len(order))
	}
	for i, sample := range order {
		if int(sample) >= images || sample < 0 && (p.Train || sample != -1) {
			return fmt.Errorf("sample %d of the order is image %d of %d", i, sample, images)
		}
	}
	if p.Train && first+n > rates {
		return fmt.Errorf("step %d has no learning rate: %d are set", first+n-1, rates)
	}
	return nil
}

// Mixtures draws how each step of a call mixes its images: order holds batches of images with those labels, of the steps from first on. It
// is nil for a program that mixes none. What is no mixture of the batch is an error.
func Mixtures(p *plan.Program, labels, order []int32, first int) ([]plan.Mixture, error) {
	if p.Mix == nil {
		return nil, nil
	}
	shape := p.Values[p.Image].Shape
	all := make([]plan.Mixture, len(order)/p.Batch)
	batch := make([]int32, p.Batch)
	for i := range all {
		for k, sample := range order[i*p.Batch:][:p.Batch] {
			batch[k] = labels[sample]
		}
		all[i] = p.Mix.Draw(first+i, batch)
		if err := all[i].Check(p.Batch, shape[2], shape[3]); err != nil {
			return nil, fmt.Errorf("mixing the images of step %d: %w", first+i, err)
		}
	}
	return all, nil
}

// CheckState returns an error that names the first tensor, in order of names, that a state lacks or has in another shape or
// type. Tensors that shapes does not name are ignored.
func CheckState(shapes map[string]tensor.Shape, state State) error {
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		t, ok := state[name]
		if !ok {
			return fmt.Errorf("the state has no %s", name)
		}
		if want := shapes[name]; !slices.Equal(t.Shape(), want) {
			return fmt.Errorf("%s has shape %v in the state and %v in the program", name, t.Shape(), want)
		}
		if _, ok := t.Data().([]float32); !ok {
			return fmt.Errorf("%s holds %v, not float32", name, t.Dtype())
		}
	}
	return nil
}

// CheckShared returns an error where a tensor that two programs share has two shapes.
func CheckShared(have, want map[string]tensor.Shape) error {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if shape, ok := have[name]; ok && !slices.Equal(shape, want[name]) {
			return fmt.Errorf("%s has shape %v in the shared session and %v here", name, shape, want[name])
		}
	}
	return nil
}
