package adding_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/adding"
	"longtail/internal/config/grid"
	_ "longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/run"
	"longtail/train/sweep"
)

// A sweep with the example loss, model, data set, sampler, mixing, backend and launcher trains, by their names in a config alone.
func TestExamplesTrainByTheirNames(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sweep.yaml")
	text := `
base:
  data: {dataset: stripes3, imbalance: 4, sampler: reversed}
  model: {name: plain4}
  loss: {name: squared-hinge, margin: 2}
  train: {batch: 8, mix: halves, mix_part: 0.25}
  device: counted
  out: ` + filepath.Join(dir, "runs") + `
grid:
  train.epochs: [2, 1]
`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	g, err := grid.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	plans, err := sweep.NewPlans(g, "")
	if err != nil {
		t.Fatal(err)
	}
	var done []int
	open := func(name, precision string) (*device.Device, error) {
		return device.Open(name, precision, device.Options{Threads: 1})
	}
	results, err := sweep.Launch(t.Context(), "shortest-first", plans, sweep.Options{Jobs: 1, Open: open, Observe: func(e sweep.Event) {
		if e.Result != nil {
			done = append(done, e.Run)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != 2 || done[0] != 1 {
		t.Errorf("the runs ended in the order %v, want the shorter one first", done)
	}
	steps := 0
	for i, r := range results {
		if r.State != sweep.Done || r.Summary.Loss != "squared-hinge" || r.Summary.Model != "plain4" || len(r.Summary.Counts) != 3 {
			t.Errorf("run %d: %+v", i, r)
			continue
		}
		steps += r.Summary.Steps
		epochs, err := run.ReadEpochs(filepath.Join(plans[i].Config.Out, run.MetricsFile))
		if err != nil {
			t.Fatal(err)
		}
		if first, last := epochs[0].Train.Loss, epochs[len(epochs)-1].Train.Loss; i == 0 && !(last < first) {
			t.Errorf("the loss went from %g to %g", first, last)
		}
		config, err := os.ReadFile(filepath.Join(plans[i].Config.Out, run.ConfigFile))
		if err != nil || !strings.Contains(string(config), "margin: 2") || !strings.Contains(string(config), "sampler: reversed") || !strings.Contains(string(config), "mix_part: 0.25") {
			t.Errorf("%v\n%s", err, config)
		}
	}
	if n := adding.Steps.Load(); n != int64(steps) {
		t.Errorf("the backend counted %d steps, the runs have %d", n, steps)
	}
}
