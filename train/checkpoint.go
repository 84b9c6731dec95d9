package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"

	"gorgonia.org/tensor"
)

// Checkpoint is all that a run remembers: where it is and its parameters, momenta and running moments.
type Checkpoint struct {
	Position
	State   device.State
	Metrics string // SHA-256 of the lines of metrics.jsonl that belong to it; empty where they are not known
}

// Position is where a run is and what it found so far. It holds nothing that differs between two equal runs.
type Position struct {
	Step     int     `json:"step"`           // steps done
	Epoch    float64 `json:"epoch"`          // of the last record
	Recorded int     `json:"recorded"`       // step of the last record
	Records  int     `json:"records"`        // lines of metrics.jsonl
	Init     string  `json:"init,omitempty"` // SHA-256 of the checkpoint that train.init_from named; empty without
	Sums     Totals  `json:"sums"`           // since the last record

	Last             *run.Result `json:"last,omitempty"` // of the last test
	LastValidation   *run.Score  `json:"last_validation,omitempty"`
	Best             *run.Result `json:"best,omitempty"` // lowest error on the test set, the first of equal ones
	BestValidation   *run.Score  `json:"best_validation,omitempty"`
	BestByValidation *run.Result `json:"best_by_validation,omitempty"` // test result where the held-out error was lowest
}

// best is the result that belongs to the checkpoint of that name, nil where there is none.
func (p *Position) best(name string) *run.Result {
	return map[string]*run.Result{"best": p.Best, "best_validation": p.BestByValidation}[name]
}

func (p Position) clone() Position {
	p.Sums.Confusion = maps.Clone(p.Sums.Confusion)
	return p
}

// start is the checkpoint of a run before its first step.
func start(classes int, initial device.State) *Checkpoint {
	return &Checkpoint{Position: Position{Sums: newTotals(classes)}, State: initial}
}

// notFinite is the name of a tensor with a value that is NaN or infinite, or "".
func notFinite(state device.State) string {
	for _, name := range slices.Sorted(maps.Keys(state)) {
		values, _ := state[name].Data().([]float32)
		for _, v := range values {
			if v-v != 0 {
				return name
			}
		}
	}
	return ""
}

// Keys of a checkpoint's metadata.
const (
	formatKey   = "format"
	formatValue = "longtail checkpoint 1"
	positionKey = "position" // JSON of Position
	configKey   = "config"   // YAML: config.Config.Identity
	splitKey    = "split"    // SHA-256 of the split as JSON
	metricsKey  = "metrics"  // SHA-256 of the lines of metrics.jsonl before it; empty before the first, and in checkpoints of earlier versions
)

// Identity is what a checkpoint must have in common with the run that resumes from it.
type Identity struct {
	Config *config.Config
	Split  string // SHA-256 of the split, hexadecimal
}

// NewIdentity is the identity of a config on its data.
func NewIdentity(c *config.Config, split data.Split) (Identity, error) {
	text, err := json.Marshal(split)
	if err != nil {
		return Identity{}, fmt.Errorf("describing the split: %w", err)
	}
	sum := sha256.Sum256(text)
	return Identity{c, hex.EncodeToString(sum[:])}, nil
}

// compare returns an error where a checkpoint's metadata belong to another run. Configs are compared by their values, so that a
// key that came into the program later does not part a run from its checkpoints.
func (id Identity) compare(metadata map[string]string) error {
	theirs := config.Defaults()
	if err := theirs.Parse([]byte(metadata[configKey]), "its config"); err != nil {
		return err
	}
	theirs.Derive()
	if keys := id.Config.Differences(theirs); len(keys) > 0 {
		return fmt.Errorf("it belongs to a run with another config: %s", strings.Join(keys, ", "))
	}
	if metadata[splitKey] != id.Split {
		return errors.New("it belongs to a run on other images")
	}
	return nil
}

// Tensors is the checkpoint as a safetensors file has it; metrics is the hash of the epochs before it.
func (c *Checkpoint) Tensors(id Identity, metrics string) (*run.Tensors, error) {
	position, err := json.Marshal(c.Position)
	if err != nil {
		return nil, fmt.Errorf("describing the checkpoint: %w", err)
	}
	file := &run.Tensors{
		Metadata: map[string]string{formatKey: formatValue, positionKey: string(position), configKey: string(id.Config.Identity()), splitKey: id.Split, metricsKey: metrics},
		Tensors:  map[string]run.Tensor{},
	}
	for name, t := range c.State {
		values, ok := t.Data().([]float32)
		if !ok {
			return nil, fmt.Errorf("%s holds %v, not float32", name, t.Dtype())
		}
		file.Tensors[name] = run.Tensor{Shape: t.Shape(), Data: values}
	}
	return file, nil
}

// ReadCheckpoint reads a checkpoint of the run with that identity, of so many steps and classes. What is damaged or belongs to
// another run is a data error that names the file.
func ReadCheckpoint(path string, id Identity, steps, classes int) (*Checkpoint, error) {
	file, err := run.ReadTensors(path)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(file, id, steps, classes)
	if err != nil {
		return nil, fail.Data("checkpoint %s: %w", path, err)
	}
	return c, nil
}

// checkFormat returns an error where a safetensors file is no checkpoint of this program.
func checkFormat(file *run.Tensors) error {
	if got := file.Metadata[formatKey]; got != formatValue {
		return fmt.Errorf("its format is %s, this program reads %q", fail.Quote(got), formatValue)
	}
	return nil
}

func parseCheckpoint(file *run.Tensors, id Identity, steps, classes int) (*Checkpoint, error) {
	if err := checkFormat(file); err != nil {
		return nil, err
	}
	m := file.Metadata
	if err := id.compare(m); err != nil {
		return nil, err
	}
	c := &Checkpoint{State: device.State{}, Metrics: m[metricsKey]}
	var err error
	if c.Position, err = parsePosition([]byte(m[positionKey]), steps, classes); err != nil {
		return nil, fmt.Errorf("its position: %w", err)
	}
	for name, t := range file.Tensors {
		if len(t.Shape) == 0 || len(t.Data) == 0 {
			return nil, fmt.Errorf("tensor %s has no values", fail.Quote(name))
		}
		c.State[name] = tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(t.Data))
	}
	return c, nil
}

// parsePosition reads a position and checks that everything in it fits a run of so many steps and classes.
func parsePosition(text []byte, steps, classes int) (Position, error) {
	var p Position
	if err := disk.Decode(text, &p); err != nil {
		return p, err
	}
	switch {
	case p.Step < 1 || p.Step > steps || p.Recorded < 0 || p.Recorded > p.Step || p.Records < 0 || p.Records > p.Recorded:
		return p, fmt.Errorf("step %d of %d, %d records up to step %d", p.Step, steps, p.Records, p.Recorded)
	case p.Sums.Classes != classes || math.IsInf(p.Sums.Loss, 0):
		return p, fmt.Errorf("the sums are not those of %d classes", classes)
	case p.Step == steps && (p.Recorded == steps) != (p.Last != nil && p.Last.Step == steps):
		return p, errors.New("the last step has a record without a test")
	case (p.Last == nil) != (p.Best == nil), (p.BestByValidation == nil) != (p.BestValidation == nil):
		return p, errors.New("a result is missing")
	}
	for _, r := range []*run.Result{p.Last, p.Best, p.BestByValidation} {
		if r == nil {
			continue
		}
		if err := r.Fits(classes); err != nil {
			return p, err
		}
	}
	return p, nil
}
