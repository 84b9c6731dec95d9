package run

import (
	"fmt"
	"strconv"

	"longtail/data"
	"longtail/internal/metrics"
)

// Score is what one pass over a labelled set gives. Rates are fractions in [0, 1].
type Score struct {
	Loss     float64   `json:"loss"`          // mean loss a sample, of the training loss
	Error    float64   `json:"error"`         // 1 - accuracy over all samples
	Accuracy float64   `json:"accuracy"`      // over all samples
	PerClass []float64 `json:"per_class"`     // [C] accuracy (recall) of each class; 0 where the class has no sample
	ECE      *float64  `json:"ece,omitempty"` // expected calibration error, see metrics.Calibration; nil of training samples, and of runs before it was recorded
}

// Epoch is one line of metrics.jsonl: the state after an epoch, or after the last step of a run whose epochs are fractional.
type Epoch struct {
	Epoch      float64 `json:"epoch"` // epochs done, steps * batch / N; whole numbers but for a fractional last one
	Step       int     `json:"step"`  // optimiser steps done
	LR         float64 `json:"lr"`    // learning rate of the last step
	Train      Score   `json:"train"` // over the samples of this epoch, augmented, while the parameters changed
	Test       *Score  `json:"test,omitempty"`
	Validation *Score  `json:"validation,omitempty"`
}

// Result is an evaluation that a run is quoted by.
type Result struct {
	Epoch float64 `json:"epoch"`
	Step  int     `json:"step"`
	Score
	Confusion [][]int64      `json:"confusion,omitempty"` // [C][C] counts, row = true class, column = predicted class; empty above metrics.Dense classes
	Cells     []metrics.Cell `json:"cells,omitempty"`     // what stands for it there
}

// Summary is summary.json: the result of a finished run. It holds nothing that differs between two equal runs.
type Summary struct {
	Version    int      `json:"version"` // of this format
	Model      string   `json:"model"`
	Parameters int      `json:"parameters"` // trainable values
	Dataset    string   `json:"dataset"`
	Imbalance  float64  `json:"imbalance"`
	Profile    string   `json:"profile"`
	Loss       string   `json:"loss"`
	Beta       float64  `json:"beta"`
	Gamma      float64  `json:"gamma"`
	Seed       uint64   `json:"seed"`
	Epochs     float64  `json:"epochs"`
	Steps      int      `json:"steps"`
	Batch      int      `json:"batch"`
	ClassNames []string `json:"class_names"` // [C]
	Counts     []int    `json:"counts"`      // [C] training images a class
	TestCounts []int    `json:"test_counts"` // [C] test images a class

	Last             Result  `json:"last"`                         // test set, last checkpoint: what the paper quotes
	Best             Result  `json:"best"`                         // test set, best epoch on the test set: optimistic
	BestByValidation *Result `json:"best_by_validation,omitempty"` // test set, at the epoch that was best on the held-out part
	LastValidation   *Score  `json:"last_validation,omitempty"`    // held-out part, last checkpoint

	Init     string    `json:"init,omitempty"`     // SHA-256 of the checkpoint that the run began from (train.init_from); empty without
	Adjusted *Adjusted `json:"adjusted,omitempty"` // what the config's section eval made of the results; nil where it asks for nothing

	Seal *Seal `json:"seal,omitempty"` // nil of a run that ended before there were seals
}

// Settings are the keys of the config that the result repeats, as key=value.
func (s *Summary) Settings() []string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	settings := []string{
		"model.name=" + s.Model, "data.dataset=" + s.Dataset, "data.imbalance=" + data.ImbalanceText(s.Imbalance), "data.profile=" + s.Profile,
		"loss.name=" + s.Loss, "loss.beta=" + number(s.Beta), "loss.gamma=" + number(s.Gamma),
		"train.epochs=" + number(s.Epochs), fmt.Sprintf("train.batch=%d", s.Batch), fmt.Sprintf("seed=%d", s.Seed),
	}
	return append(settings, s.Adjusted.settings()...)
}
