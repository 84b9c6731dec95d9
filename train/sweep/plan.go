// Package sweep trains the runs of a grid.
//
// [NewPlans] says what each run costs and how far it is, [Execute] trains what is missing, several runs at once. A run of a
// sweep is the run that [train.Run] makes of the same config alone: same folder, same bits.
package sweep

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/config/grid"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"
)

// State is how far a run is.
type State string

// The states of a run. Before a sweep a run is new, begun or done; after it also failed, interrupted, elsewhere or queued.
const (
	New         State = "new"
	Begun       State = "begun"       // it was interrupted or killed, or another process is at work on it
	Done        State = "done"        // its summary is there
	Failed      State = "failed"      // it ended with an error
	Interrupted State = "interrupted" // its state is saved
	Elsewhere   State = "elsewhere"   // another process is at work on it
	Queued      State = "queued"      // a scheduler has it, and runs it or will
)

// Plan is a run with its cost and how far it is.
type Plan struct {
	grid.Run
	Counts []int // [C] training images a class
	Images int   // N, training images
	Steps  int
	Before int // steps that are done, as far as the epochs in metrics.jsonl say
	State  State
}

// Work is how many images a run shows to its network in all: steps * batch.
func (p *Plan) Work() int64 { return int64(p.Steps) * int64(p.Config.Train.Batch) }

// Left is the part of Work that is still to do.
func (p *Plan) Left() int64 {
	if p.State == Done {
		return 0
	}
	return int64(p.Steps-p.Before) * int64(p.Config.Train.Batch)
}

// NewPlans says what each run of a grid costs and how far it is. No image is read but the labels for a split file; dataDir is as in
// data.Spec. A folder that holds a run with another config is a usage error that names the keys.
func NewPlans(g *grid.Grid, dataDir string) ([]Plan, error) {
	counts := map[data.Spec][]int{}
	plans := make([]Plan, len(g.Runs))
	for i, r := range g.Runs {
		spec := r.Config.DataSpec()
		spec.Dir = dataDir
		if counts[spec] == nil {
			var err error
			if counts[spec], err = data.Counts(spec); err != nil {
				return nil, fmt.Errorf("run %s: %w", r.Name, err)
			}
		}
		p := Plan{Run: r, Counts: counts[spec]}
		for _, n := range p.Counts {
			p.Images += n
		}
		t := r.Config.Train
		if p.Steps = train.Steps(p.Images, t.Batch, t.Epochs); p.Steps == 0 {
			return nil, fail.Usage("run %s: train.epochs=%v of %d images are less than a batch of %d: nothing would be trained\nraise train.epochs or lower train.batch",
				r.Name, t.Epochs, p.Images, t.Batch)
		}
		if err := p.look(); err != nil {
			return nil, err
		}
		plans[i] = p
	}
	return plans, nil
}

// look finds out how far the run in the plan's folder is, and refuses another one. What is damaged there is not its business: train.Run
// says that.
func (p *Plan) look() error {
	path := filepath.Join(p.Config.Out, run.ConfigFile)
	there, err := disk.Read(path, maxConfigBytes)
	if !errors.Is(err, fs.ErrNotExist) && !bytes.Equal(there, p.Config.YAML()) { // equal texts need not be parsed
		if began, err := config.LoadRun(path); err == nil {
			if err := p.compare(began); err != nil {
				return err
			}
		}
	}
	p.measure()
	return nil
}

// maxConfigBytes bounds a config.yaml that is compared as it is.
const maxConfigBytes = 1 << 20

// measure finds out how far the run in the plan's folder is. One that was only planned has a config and is new.
func (p *Plan) measure() {
	p.State, p.Before = New, 0
	has := func(name string) bool { return run.Exists(filepath.Join(p.Config.Out, name)) }
	switch {
	case !has(run.ConfigFile):
		return
	case has(run.SummaryFile):
		p.State, p.Before = Done, p.Steps
		return
	case has(run.SplitFile), has(run.Last):
		p.State = Begun
	}
	if epochs, err := run.ReadEpochs(filepath.Join(p.Config.Out, run.MetricsFile)); err == nil && len(epochs) > 0 {
		p.Before = min(epochs[len(epochs)-1].Step, p.Steps)
	}
}

// compare refuses a run of another config in the plan's folder, before any other run of the sweep begins.
func (p *Plan) compare(began *config.Config) error {
	differs := p.Config.Conflict(began)
	if differs == "" {
		return nil
	}
	return fail.Usage("%s holds a run with another config: %s\ngive the sweep another folder with out=FOLDER, or remove that run", p.Config.Out, differs)
}
