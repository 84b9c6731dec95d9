package train

import (
	"errors"
	"fmt"
	"io/fs"
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
	"longtail/loss"
)

// Trained is the network of a run with the values of one of its checkpoints: what is used after training.
type Trained struct {
	Config     *config.Config
	ClassNames []string // [C]
	Counts     []int    // [C] training images
	Network    program.Network
	Input      data.Input // how bytes become the numbers that the network sees
	Background string     // behind transparent pixels of images, RRGGBB
	Step       int
	State      device.State // parameters, momenta and running moments

	dir, checkpoint string
	split           string // Identity.Split
}

// ReadTrained reads a checkpoint of a run, one of [Checkpoints], and compares it with the run's other files. It needs no device, and images or
// files of the data set only for runs that began before input.json was written. A folder without a run, or without that checkpoint, is a usage
// error, damage a data error that names the file.
func ReadTrained(dir, checkpoint string) (*Trained, error) {
	job := EvalJob{Dir: dir}
	if _, _, err := job.checkSeal(); err != nil {
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
	in, err := readInput(dir, c)
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
	read, err := ReadCheckpoint(path, id, math.MaxInt, len(in.ClassNames))
	if err != nil {
		return nil, err
	}
	return &Trained{
		Config: c, ClassNames: in.ClassNames, Counts: split.Counts, Network: network(c, in.Images(0), split.Counts, in.Data()),
		Input: in.Data(), Background: in.Background, Step: read.Step, State: read.State, dir: dir, checkpoint: checkpoint, split: id.Split,
	}, nil
}

// readInput reads what the network of a run is told of images. For runs that began before that was recorded it follows from the data set.
func readInput(dir string, c *config.Config) (*run.Input, error) {
	fingerprint, err := config.FingerprintFile(filepath.Join(dir, run.ConfigFile))
	if err != nil {
		return nil, err
	}
	in, err := run.ReadInput(dir, fingerprint)
	if errors.Is(err, fs.ErrNotExist) {
		return registeredInput(c)
	}
	return in, err
}

// registeredInput is what the data set of a config says of its images.
func registeredInput(c *config.Config) (*run.Input, error) {
	set, err := data.Lookup(c.Data.Dataset)
	if err != nil {
		return nil, err
	}
	in, err := set.NewInput(c.Data.Input)
	if err != nil {
		return nil, err
	}
	record := run.NewInput(set, in)
	return &record, nil
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

// cosineScale is what the loss multiplies cosines by before its softmax; 1 where the logits are none.
func (t *Trained) cosineScale() (float64, error) {
	l, err := loss.New(t.Network.Loss, t.Network.Options)
	if err != nil {
		return 0, err
	}
	if scale, ok := t.Network.Options["scale"]; ok && l.Head(len(t.ClassNames)).Cosine {
		return scale, nil
	}
	return 1, nil
}

// chosenTau is the tau that was chosen for the checkpoint at the end of the run; nil before it.
func (t *Trained) chosenTau() (*float64, error) {
	s, err := run.ReadSummary(t.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case s.Adjusted == nil:
		return nil, nil
	}
	switch a := s.Adjusted; {
	case t.checkpoint == "last":
		return a.Last.Tau, nil
	case t.checkpoint == "best":
		return a.Best.Tau, nil
	case a.BestByValidation != nil:
		return a.BestByValidation.Tau, nil
	}
	return nil, nil
}
