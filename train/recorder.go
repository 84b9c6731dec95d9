package train

import (
	"bytes"
	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/disk"
	"longtail/internal/run"
	"longtail/internal/run/lease"
)

// recorder is the observer that writes the run's folder.
type recorder struct {
	folder *run.Folder
	ours   bool           // the folder is this run's
	began  *config.Config // of the run that was in the folder; nil for a new one
	id     Identity
	result func(Position) run.Summary

	adjusted func() (*run.Adjusted, error) // of the checkpoints in the folder; gives nil where the config asks for nothing

	lines []byte            // of metrics.jsonl
	texts map[string][]byte // of config.yaml, split.json and input.json

	fingerprint string // of config.yaml

	calls   int     // of the backend since the start; the first allocates and is left out of the rate
	samples int     // since the last record, the first call left out
	seconds float64 // of them
	first   float64 // seconds of the first call

	progress lease.Progress // what others read of the work
}

func (k *recorder) observe(e Event) error {
	switch e := e.(type) {
	case Started:
		k.progress = lease.Progress{Step: e.From, Steps: e.Steps, Epoch: epochAt(e.From, e.Batch, e.Images), Epochs: e.Epochs}
		return k.folder.Report(k.progress)
	case Testing:
		k.progress.Test = e.Set
		return k.folder.Report(k.progress)
	case Progress:
		return k.count(e)
	case EpochDone:
		return k.record(e)
	case Saving:
		return k.save(e)
	case Finished:
		return k.finish(e.Position)
	}
	return nil
}

// count measures the speed and reports the progress. It stops a run whose folder another process took over.
func (k *recorder) count(e Progress) error {
	if k.calls++; k.calls == 1 {
		k.first = e.Seconds
	} else {
		k.samples += e.Samples
		k.seconds += e.Seconds
		k.progress.Rate = float64(k.samples) / k.seconds
	}
	k.progress.Step, k.progress.Epoch, k.progress.Loss, k.progress.Test = e.Step, e.Epoch, e.Loss, ""
	return k.folder.Report(k.progress)
}

// finish writes the sealed result. Files that were removed or changed meanwhile are written again: without a config.yaml the folder is no run's.
func (k *recorder) finish(p Position) error {
	s := k.result(p)
	var err error
	if s.Adjusted, err = k.adjusted(); err != nil {
		return err
	}
	if err := k.folder.RestoreEpochs(k.lines); err != nil {
		return err
	}
	for name, text := range k.texts {
		now, err := disk.Read(k.folder.Path(name), int64(len(text)))
		if err == nil && bytes.Equal(now, text) {
			continue
		}
		if err := k.folder.Write(name, text); err != nil {
			return err
		}
	}
	return k.folder.WriteSummary(s, k.fingerprint)
}

func (k *recorder) record(e EpochDone) error {
	var err error
	if k.lines, err = k.folder.AppendEpoch(k.lines, e.Record); err != nil {
		return err
	}
	t := run.Timing{Epoch: e.Record.Epoch, Step: e.Record.Step, Seconds: k.first + k.seconds, EvalSeconds: e.EvalSeconds}
	if k.seconds > 0 {
		t.ImagesPerSecond = float64(k.samples) / k.seconds
	}
	if k.progress.Test = ""; t.Seconds > 0 {
		k.progress.Extra = t.EvalSeconds / t.Seconds
	}
	k.samples, k.seconds, k.first = 0, 0, 0
	return k.folder.AppendTiming(t)
}

// save writes the checkpoint. The last one is written last: it is the one that a run resumes from, so that whatever it
// mentions is there.
func (k *recorder) save(e Saving) error {
	metrics := ""
	if len(k.lines) > 0 {
		metrics = run.Hash(k.lines)
	}
	file, err := e.Checkpoint.Tensors(k.id, metrics)
	if err != nil {
		return err
	}
	content, err := file.Encode()
	if err != nil {
		return err
	}
	names := []string{run.Last}
	if e.BestValidation {
		names = append(names, run.BestValidation)
	}
	if e.Best {
		names = append(names, run.Best)
	}
	for i := len(names) - 1; i >= 0; i-- {
		if err := k.folder.Write(names[i], content); err != nil {
			return err
		}
	}
	return nil
}

// summary is the result of a run that ended at a position.
func summary(c *config.Config, ds *data.Dataset, parameters int, p Position) run.Summary {
	return run.Summary{
		Version: run.SummaryVersion, Model: c.Network(), Parameters: parameters,
		Dataset: data.Title(c.Data.Dataset), Imbalance: float64(c.Data.Imbalance), Profile: c.Data.Profile,
		Loss: c.Loss.Name, Beta: c.Loss.Beta, Gamma: c.Loss.Options()["gamma"], Seed: c.Seed,
		Epochs: c.Train.Epochs, Steps: p.Step, Batch: c.Train.Batch,
		ClassNames: ds.ClassNames, Counts: ds.Counts, TestCounts: countLabels(ds.Test),
		Last: *p.Last, Best: *p.Best, BestByValidation: p.BestByValidation, LastValidation: p.LastValidation, Init: p.Init,
	}
}

// countLabels are how many images of each class there are, [C].
func countLabels(images data.Images) []int {
	counts := make([]int, images.Classes)
	for _, label := range images.Labels {
		counts[label]++
	}
	return counts
}
