package main

import (
	"bytes"
	"fmt"
	"image/png"
	"strconv"

	"longtail/data"
	"longtail/eval/events"
	"longtail/eval/plots"
	"longtail/internal/config"
	"longtail/internal/run"
	"longtail/train"
)

// tensorBoard writes a run's event file for TensorBoard into its folder: scalars an epoch, accuracies by class, and at the end
// the confusion matrix as a picture. close is safe at any time.
type tensorBoard struct {
	cfg    *config.Config
	names  []string // [C]
	writer *events.Writer
}

func newTensorBoard(cfg *config.Config) (*tensorBoard, error) {
	names, err := data.ClassNames(cfg.Data.Dataset)
	return &tensorBoard{cfg: cfg, names: names}, err
}

func (t *tensorBoard) observe(e train.Event) error {
	switch e := e.(type) {
	case train.Started:
		return t.start(e)
	case train.EpochDone:
		return t.epoch(e.Record)
	case train.Finished:
		return t.finish(e.Position)
	}
	return nil
}

func (t *tensorBoard) start(e train.Started) (err error) {
	if t.writer, err = events.Create(t.cfg.Out, int64(e.From)); err != nil || e.From > 0 {
		return err
	}
	settings, err := config.Flatten(t.cfg.YAML())
	if err != nil {
		return fmt.Errorf("hyper-parameters for TensorBoard: %w", err)
	}
	values := map[string]any{}
	for key, value := range settings {
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			values[key] = number
		} else {
			values[key] = value
		}
	}
	return t.writer.AddHParams(values)
}

func (t *tensorBoard) epoch(r run.Epoch) error {
	step := int64(r.Step)
	t.writer.AddScalar("learning_rate", r.LR, step)
	t.score("train", r.Train, step)
	if r.Test != nil {
		t.score("test", *r.Test, step)
		for c, accuracy := range r.Test.PerClass {
			t.writer.AddScalar(fmt.Sprintf("test_accuracy_by_class/%03d %s", c, t.names[c]), accuracy, step)
		}
	}
	if r.Validation != nil {
		t.score("validation", *r.Validation, step)
	}
	return t.writer.Flush()
}

func (t *tensorBoard) score(set string, s run.Score, step int64) {
	t.writer.AddScalars([]string{set + "/loss", set + "/error", set + "/accuracy"}, []float64{s.Loss, s.Error, s.Accuracy}, step)
}

// finish adds the confusion matrix of the last test.
func (t *tensorBoard) finish(p train.Position) error {
	s, err := run.ReadSummary(t.cfg.Out)
	if err != nil {
		return err
	}
	if len(s.Last.Confusion) == 0 { // of too many classes for a picture
		return t.writer.Finish()
	}
	figure := plots.Confusion("confusion", "Confusion on the test set, last step", s.ClassNames, s.Counts, s.Last.Confusion)
	picture, err := figure.PNG()
	if err != nil {
		return fmt.Errorf("drawing the confusion matrix: %w", err)
	}
	size, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return fmt.Errorf("drawing the confusion matrix: %w", err)
	}
	if err := t.writer.AddImage("confusion", picture, size.Width, size.Height, int64(p.Step)); err != nil {
		return err
	}
	return t.writer.Finish()
}

func (t *tensorBoard) close() error {
	if t.writer == nil {
		return nil
	}
	return t.writer.Close()
}
