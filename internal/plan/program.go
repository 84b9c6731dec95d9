// Package plan turns a Gorgonia graph into a program: ordered steps over named values, which a backend lowers and runs.
//
// [Order] walks the graph. [Level] cuts it where a sum over the batch must be complete before a step can run; between two cuts
// everything concerns one image at a time, so that a backend may run a level image by image, in cache or in one kernel. [Fuse]
// merges a normalisation with what follows it, and [Recompute] repeats what is cheaper to compute than to store; [Checkpoint]
// repeats more, where memory is short. [Compact] compiles adjacent operations on rows, such as those of a loss, to row programs.
// [Arena] places buffers with lifetimes in one block. The package is pure: it knows no device, no data set and no loss.
//
// Whatever changes during a run is an input of the program, set by name: see [Input].
package plan

import (
	"fmt"
	"strings"

	"longtail/internal/ops"

	"gorgonia.org/tensor"
)

// ValueID is an index into Program.Values.
type ValueID int

// None is no value.
const None ValueID = -1

// Role is where a value comes from.
type Role int

// The roles.
const (
	Temp         Role = iota // a step's result
	Image                    // x [N, 3, H, W]: the samples, cropped, flipped, normalised by Pixels
	Target                   // [N, C], zero rows for padding
	SecondTarget             // [N, C], of the second labels of mixed images
	FirstShare               // [N, 1], the label factors of mixed images
	FromInput                // an Input of that name
	Param                    // a trainable value
	Running                  // running moments [2, C], an input of an evaluation program
	Constant                 // a scalar of known value
)

// Value is what steps read and write.
type Value struct {
	Role     Role
	Name     string       // of a parameter or running moments; otherwise for messages
	Shape    tensor.Shape // logical
	Constant float64
	Base     ValueID // the value that this one is a part of, or None
	Offset   int     // in elements, into Base
}

// Step is one operation on values.
type Step struct {
	Kind  ops.Kind
	Attrs ops.Attrs
	In    []ValueID
	Out   ValueID
	Level int // the number of batch sums that must finish before it runs

	ReLU bool        // KindNormalize: max(0, .) at the end
	Plus ValueID     // KindNormalize: added before the ReLU, or None
	Rows *RowProgram // a compiled loss, in place of Kind; it has its own inputs and outputs

	Again bool // it repeats a step of the forward pass: see Checkpoint
}

// ParamUse ties a parameter to its gradient.
type ParamUse struct {
	Value    ValueID
	Gradient ValueID // None in evaluation and for frozen ones
	Decay    bool
}

// StatUse ties the moments of a batch to the running ones of that name.
type StatUse struct {
	Batch ValueID // [2, C]
	Name  string
	Count int // values behind each moment
}

// LearningRates is the name of the input of a training program that holds the rate of every step of the run.
const LearningRates = "learning_rates"

// Input is a value that the user of a program sets by name, before a run or between two calls: nothing is planned or captured
// again when it changes.
type Input struct {
	Name    string
	Value   ValueID      // None for a table with a number for each step of the run
	Shape   tensor.Shape // of the value; nil for a table of steps
	Initial []float32    // what holds until it is set; nil for a table of steps, which must be set

	PerSample bool // a row is a sample of the batch
}

// Input finds an input by name; the error lists the names that there are.
func (p *Program) Input(name string) (*Input, error) {
	var names []string
	for i := range p.Inputs {
		if p.Inputs[i].Name == name {
			return &p.Inputs[i], nil
		}
		names = append(names, p.Inputs[i].Name)
	}
	return nil, fmt.Errorf("the program has no input %q; it has %s", name, strings.Join(names, ", "))
}

// Check compares values with the input's shape.
func (in *Input) Check(values []float32) error {
	if in.Value != None && len(values) != in.Shape.TotalSize() {
		return fmt.Errorf("the input %s wants %d values of shape %v, got %d", in.Name, in.Shape.TotalSize(), in.Shape, len(values))
	}
	return nil
}

// Options are what a program declares around its graph: how samples become images and how gradients become updates.
type Options struct {
	Train       bool
	Augment     bool    // random crop and flip
	Resized     Resized // with Augment: how crops are parts of any size; zero: they are windows in a border
	Cutout      int     // with Augment: side of a square of zeros; 0: none
	Mix         Mixing  // of the images and labels of a batch, in training; nil: none
	Seed        uint64  // of crops and flips
	Samples     int     // images in an epoch: sample s of the stream belongs to epoch s / Samples
	Repeats     bool    // epochs from RepeatsFrom on may show an image more than once
	RepeatsFrom int     // 0 is the first epoch
	Momentum    float32 // v = momentum v + (g + decay w); w -= lr v
	WeightDecay float32
	Nesterov    bool    // w -= lr ((g + decay w) + momentum v) in place of lr v, as PyTorch's SGD
	RunningKeep float32 // r = keep r + (1 - keep) batch
}

// Draw is the epoch that position p of the stream of samples belongs to, and the number that tells its crop from others of the same image
// in that epoch: 1 + the place in the epoch where an image may come again, 0 elsewhere.
func (o *Options) Draw(p int) (epoch, draw int) {
	epoch = p / o.Samples
	if o.Repeats && epoch >= o.RepeatsFrom {
		draw = 1 + p%o.Samples
	}
	return epoch, draw
}

// Program is a graph in order, with what surrounds it.
type Program struct {
	Options
	Values   []Value
	Steps    []Step
	Levels   int
	Pixels   Pixels
	Image    ValueID
	Target   ValueID
	Second   ValueID // SecondTarget; None where images are not mixed
	First    ValueID // FirstShare, likewise
	Inputs   []Input
	Features ValueID // [N, F] of an evaluation program, the classifier's input; None in training, which would have to keep it
	Logits   ValueID // [N, C]
	Loss     ValueID // scalar
	Params   []ParamUse
	Stats    []StatUse
	Running  []ValueID // inputs of an evaluation program
	Batch    int
	Classes  int
}

// Locate follows a value to the one that it is a part of.
func (p *Program) Locate(v ValueID) (base ValueID, offset int) {
	for p.Values[v].Base != None {
		offset += p.Values[v].Offset
		v = p.Values[v].Base
	}
	return v, offset
}

// Reads are the values that a step reads.
func (s *Step) Reads() []ValueID {
	if s.Rows != nil {
		return s.Rows.Reads()
	}
	if s.Kind == ops.KindNormalize && s.Plus != None {
		return append(s.In[:len(s.In):len(s.In)], s.Plus)
	}
	return s.In
}

// Writes are the values that a step writes.
func (s *Step) Writes() []ValueID {
	if s.Rows != nil {
		return s.Rows.Writes()
	}
	return []ValueID{s.Out}
}

// Name is the step's operation, for messages.
func (s *Step) Name() string {
	name := s.Kind.String()
	if s.Rows != nil {
		return "rows"
	}
	if s.Plus != None {
		name += "+add"
	}
	if s.ReLU {
		name += "+relu"
	}
	return name
}

// Parameters is the number of trainable values.
func (p *Program) Parameters() int {
	n := 0
	for _, u := range p.Params {
		n += p.Values[u.Value].Shape.TotalSize()
	}
	return n
}

// Summary describes the program in a line for people.
func (p *Program) Summary() string {
	what := "evaluation"
	if p.Train {
		what = "training"
	}
	return fmt.Sprintf("%s program: batch %d, %d steps on %d levels, %d parameters", what, p.Batch, len(p.Steps), p.Levels, p.Parameters())
}

// String lists the steps, one a line: for tests and for people who look inside.
func (p *Program) String() string {
	var b strings.Builder
	for i := range p.Steps {
		s := &p.Steps[i]
		fmt.Fprintf(&b, "%3d level %2d %s %v -> %v\n", i, s.Level, s.Name(), s.Reads(), s.Writes())
	}
	return b.String()
}
