package train

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/program"
	"longtail/internal/run"
)

// Trained is the network of a run with the values of one of its checkpoints: what is used after training.
type Trained struct {
	Config     *config.Config
	ClassNames []string // [C]
	Network    program.Network
	Input      data.Input // how bytes become the numbers that the network sees
	Step       int
	State      device.State // parameters, momenta and running moments
}

// ReadTrained reads a checkpoint of a run, one of [Checkpoints], and compares it with the run's other files. It needs neither images nor a
// device. A folder without a run, or without that checkpoint, is a usage error, damage a data error that names the file.
func ReadTrained(dir, checkpoint string) (*Trained, error) {
	job := EvalJob{Dir: dir}
	if _, err := job.checkSeal(); err != nil {
		return nil, err
	}
	c, err := job.config()
	if err != nil {
		return nil, err
	}
	path, err := job.checkpointPath(checkpoint)
	if err != nil {
		return nil, err
	}
	set, err := data.Lookup(c.Data.Dataset)
	if err != nil {
		return nil, err
	}
	split, err := data.ReadSplit(filepath.Join(dir, run.SplitFile))
	if err != nil {
		return nil, err
	}
	id, err := NewIdentity(c, *split)
	if err != nil {
		return nil, err
	}
	read, err := ReadCheckpoint(path, id, math.MaxInt, len(set.Classes))
	if err != nil {
		return nil, err
	}
	t := &Trained{Config: c, ClassNames: slices.Clone(set.Classes), Step: read.Step, State: read.State}
	if t.Network, err = Network(c, set.NewImages(0), nil); err != nil {
		return nil, err
	}
	if t.Input, err = data.NewInput(c.Data.Input, set.Channels); err != nil {
		return nil, err
	}
	return t, nil
}

// checkpointPath is the file of a checkpoint that the run has.
func (j *EvalJob) checkpointPath(checkpoint string) (string, error) {
	p, err := j.Preview()
	if err != nil {
		return "", err
	}
	if !slices.Contains(p.Checkpoints, checkpoint) {
		return "", fail.Usage("%s has no checkpoint %s\nchoose one of %s", j.Dir, fail.Quote(checkpoint), strings.Join(p.Checkpoints, ", "))
	}
	return filepath.Join(j.Dir, checkpoints[checkpoint]), nil
}

// Values are the values of parameters and running moments by the names that they have in the network's graph.
func (t *Trained) Values() (map[string][]float32, error) {
	values := map[string][]float32{}
	for name, v := range t.State {
		if strings.HasPrefix(name, device.MomentumPrefix) {
			continue
		}
		floats, ok := v.Data().([]float32)
		if !ok {
			return nil, fmt.Errorf("%s holds %v, not float32", name, v.Dtype())
		}
		values[strings.TrimPrefix(name, device.RunningPrefix)] = floats
	}
	return values, nil
}
