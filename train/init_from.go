package train

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/models"

	"gorgonia.org/tensor"
)

// source is where the weights of train.init_from come from: the last checkpoint of a run, or a checkpoint's file.
func source(initFrom string) string {
	if info, err := os.Stat(initFrom); err == nil && !info.IsDir() {
		return initFrom
	}
	return filepath.Join(initFrom, run.Last)
}

// startFrom is the checkpoint of a run before its first step, with the parameters and running moments of another run in place of the drawn
// ones. A fresh classifier keeps its drawn values. Tensors go by name, and but for the classifier each must be in both networks, in one
// shape; a parameter that only a second stage has (models.SecondStage) keeps its initial value where the run lacks it. Momenta start at zero.
func startFrom(c *config.Config, classes int, initial device.State) (*Checkpoint, error) {
	begin := start(classes, initial)
	if c.Train.InitFrom == "" {
		return begin, nil
	}
	path := source(c.Train.InitFrom)
	content, err := disk.Read(path, run.MaxTensorBytes)
	if err != nil {
		return nil, fail.Data("%s: train.init_from=%s: %w\n%s", c.Place("train.init_from"), c.Train.InitFrom, err, initHint(c.Train.InitFrom))
	}
	file, err := run.DecodeTensors(content)
	if err != nil {
		return nil, fail.Data("train.init_from=%s: checkpoint %s: %w", c.Train.InitFrom, path, err)
	}
	if err := checkFormat(file); err != nil {
		return nil, fail.Data("train.init_from=%s: checkpoint %s: %w\nname a run of this program", c.Train.InitFrom, path, err)
	}
	if err := take(file, begin.State, c.Train.Fresh); err != nil {
		return nil, fail.Usage("train.init_from=%s: %w", c.Train.InitFrom, err)
	}
	begin.Init = run.Hash(content)
	return begin, nil
}

// initHint is what to do about a run without a checkpoint.
func initHint(dir string) string {
	if path := filepath.Join(dir, run.ConfigFile); run.Exists(path) {
		return "train that run first: " + fail.CommandLine([]string{"longtail", "train", fail.Path(path)})
	}
	return "name the folder of a run that has a checkpoint"
}

// take copies tensors into a state by name.
func take(file *run.Tensors, state device.State, fresh string) error {
	kept := func(name string) bool {
		return strings.HasPrefix(name, device.MomentumPrefix) || fresh == config.FreshClassifier && models.IsClassifier(name)
	}
	for _, name := range slices.Sorted(maps.Keys(file.Tensors)) {
		if _, known := state[name]; !known && !kept(name) {
			return fmt.Errorf("the run has a tensor %s, which this network lacks\ngive the model and the loss's classifier that it was trained with%s", name, freshHint(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(state)) {
		if kept(name) {
			continue
		}
		t, ok := file.Tensors[name]
		switch want := state[name].Shape(); {
		case !ok && models.SecondStage(name):
		case !ok:
			return fmt.Errorf("the run has no tensor %s\ngive the model that it was trained with%s", name, freshHint(name))
		case !slices.Equal(t.Shape, want):
			return fmt.Errorf("%s has shape %v there and %v here\ngive the model and the classes that it was trained with%s", name, t.Shape, want, freshHint(name))
		default:
			state[name] = tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(slices.Clone(t.Data)))
		}
	}
	return nil
}

func freshHint(name string) string {
	if models.IsClassifier(name) {
		return ", or train.fresh=classifier"
	}
	return ""
}

// checkInit compares what a run began from with what train.init_from names now: the source may be gone, but not be another one.
func checkInit(c *config.Config, dir, began string) error {
	now := ""
	if c.Train.InitFrom != "" {
		var err error
		if now, err = disk.Hash(source(c.Train.InitFrom), run.MaxTensorBytes); err != nil && began != "" {
			return nil
		}
		if err != nil {
			return fail.Data("train.init_from=%s: %w\n%s", c.Train.InitFrom, err, initHint(c.Train.InitFrom))
		}
	}
	if now == began {
		return nil
	}
	return fail.Usage("the run in %s was begun from other weights than those of train.init_from=%q\nname another folder with out=FOLDER, or the run that it was begun from", dir, c.Train.InitFrom)
}
