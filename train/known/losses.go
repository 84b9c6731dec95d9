package known

import (
	"encoding/json"
	"fmt"
	"slices"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/loss"
	"longtail/models"

	"gorgonia.org/tensor"
)

// LossCase is a batch and what a loss must give for it.
type LossCase struct {
	Name    string                     `json:"name"`
	Loss    string                     `json:"loss"`
	Options map[string]json.RawMessage `json:"options"` // numbers or words
	Weights struct {
		Kind string  `json:"kind"`
		Beta float64 `json:"beta"`
	} `json:"weights"`
	Divisor string  `json:"divisor"`
	Counts  []int   `json:"counts"` // [C] training images of each class
	Labels  []int32 `json:"labels"` // [N]

	Labels2 []int32   `json:"labels2"` // [N], of mixed images
	First   []float64 `json:"first"`   // [N], the share of the first label

	Logits     Numbers `json:"logits"`     // [N, C]
	Features   Numbers `json:"features"`   // [N, d], in place of logits
	Classifier Numbers `json:"classifier"` // [C, d]

	Expected struct {
		ClassWeights       Numbers `json:"class_weights"` // [C]
		Loss               float64 `json:"loss"`
		Logits             Numbers `json:"logits"`
		Gradient           Numbers `json:"gradient"` // by the logits
		GradientFeatures   Numbers `json:"gradient_features"`
		GradientClassifier Numbers `json:"gradient_classifier"`
	} `json:"expected"`
	Tolerance struct {
		Weights  Tolerance `json:"weights"`
		Loss     Tolerance `json:"loss"` // of logits too
		Gradient Tolerance `json:"gradient"`
	} `json:"tolerance"`

	Seed json.RawMessage `json:"seed"` // how the numbers were drawn; not used
	Span json.RawMessage `json:"span"`
}

// ReadLosses reads cases of losses from a file.
func ReadLosses(path string) ([]LossCase, error) { return read[LossCase](path) }

// Run computes a case on a device. What the program lacks is an outcome too.
func (c *LossCase) Run(on *device.Device) (o Outcome) {
	weights, err := loss.WeightsOf(c.Weights.Kind, c.Counts, c.Weights.Beta)
	if err != nil {
		return Outcome{Err: err}
	}
	if c.Expected.ClassWeights != nil {
		o.compare("class_weights", weights, c.Expected.ClassWeights, c.Tolerance.Weights)
	}
	r, err := c.open(on)
	if err != nil {
		return Outcome{Err: err}
	}
	defer r.session.Close()
	got, err := r.run(weights)
	if err != nil {
		return Outcome{Err: err}
	}
	e, t := c.Expected, c.Tolerance
	o.compare("loss", []float64{got.loss}, []float64{e.Loss}, t.Loss)
	if c.Features == nil {
		o.compare("gradient", got.given, e.Gradient, t.Gradient)
		return o
	}
	o.compare("logits", got.logits, e.Logits, t.Loss)
	o.compare("gradient_features", got.given, e.GradientFeatures, t.Gradient)
	o.compare("gradient_classifier", got.classifier, e.GradientClassifier, t.Gradient)
	return o
}

// options are the case's, with words as their indices.
func (c *LossCase) options() (loss.Options, error) {
	options := loss.Options{}
	for name, text := range c.Options {
		var number float64
		if json.Unmarshal(text, &number) == nil {
			options[name] = number
			continue
		}
		var word string
		if err := json.Unmarshal(text, &word); err != nil {
			return nil, fmt.Errorf("the option %s is %s, neither a number nor a word", name, text)
		}
		index := -1
		for _, o := range loss.OptionsOf(c.Loss) {
			if o.Name == name {
				index = slices.Index(o.Choices, word)
			}
		}
		if index < 0 {
			return nil, fmt.Errorf("the loss %s has no option %s=%s", c.Loss, name, word)
		}
		options[name] = float64(index)
	}
	return options, nil
}

// check compares the sizes of a case.
func (c *LossCase) check() error {
	n, classes := len(c.Labels), len(c.Counts)
	given := len(c.Logits) == n*classes && c.Features == nil
	if c.Features != nil {
		given = n > 0 && len(c.Features)%n == 0 && len(c.Classifier) == classes*(len(c.Features)/n)
	}
	mixed := len(c.Labels2) == len(c.First) && (len(c.First) == 0 || len(c.First) == n)
	if n == 0 || classes < 2 || !given || !mixed {
		return fmt.Errorf("its labels, counts, logits or features do not fit together")
	}
	for _, y := range append(slices.Clone(c.Labels), c.Labels2...) {
		if y < 0 || int(y) >= classes {
			return fmt.Errorf("label %d of %d classes", y, classes)
		}
	}
	return nil
}

// opened is a case on a device.
type opened struct {
	*LossCase
	session device.Session
	net     models.Net
}

func (c *LossCase) open(on *device.Device) (*opened, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	n := len(c.Labels)
	objective := program.Objective{
		Loss: c.Loss, Options: options, Counts: c.Counts, Divisor: c.Divisor, Features: len(c.Features) / n, Mixed: len(c.First) > 0,
	}
	p, net, err := objective.Plan(n, plan.Options{Train: true, Samples: n})
	if err != nil {
		return nil, err
	}
	images := data.Images{Pixels: make([]byte, n), Labels: c.Labels, Classes: len(c.Counts), Channels: 1, Height: 1, Width: 1}
	session, err := on.Open(p, on.Precision, images, nil)
	return &opened{c, session, net}, err
}

// results are those of one step.
type results struct {
	loss                      float64
	logits, given, classifier []float64 // the last two are gradients
}

// run does a step that changes nothing, and reads its results.
func (r *opened) run(weights []float64) (got results, err error) {
	if err := r.set(weights); err != nil {
		return got, err
	}
	n := len(r.Labels)
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	sums, err := r.session.Run(order, 0, 1)
	if err != nil {
		return got, err
	}
	got.loss = sums.Loss / float64(n)
	if got.logits, err = r.read(device.Logits); err != nil {
		return got, err
	}
	if got.given, err = r.read(device.GradientPrefix + program.Given); err != nil {
		return got, err
	}
	got.given = transposed(got.given, n)
	if r.Features != nil {
		got.classifier, err = r.read(device.GradientPrefix + models.ClassifierWeight)
	}
	return got, err
}

// set fills inputs and parameters.
func (r *opened) set(weights []float64) error {
	if err := r.session.Set(plan.LearningRates, []float32{0}); err != nil {
		return err
	}
	if err := r.session.Set(program.ClassWeights, narrow(weights)); err != nil {
		return err
	}
	if len(r.First) > 0 {
		second := make([]float32, len(r.Labels)*len(r.Counts))
		for i, y := range r.Labels2 {
			second[i*len(r.Counts)+int(y)] = 1
		}
		if err := r.session.Set(program.SecondTarget, second); err != nil {
			return err
		}
		if err := r.session.Set(program.FirstShare, narrow(r.First)); err != nil {
			return err
		}
	}
	given := r.Logits
	if r.Features != nil {
		given = r.Features
	}
	state := program.InitialState(r.net, 0)
	fill := func(name string, values []float64) {
		state[name] = tensor.New(tensor.WithShape(state[name].Shape()...), tensor.WithBacking(narrow(values)))
	}
	fill(program.Given, transposed(given, len(given)/len(r.Labels)))
	if r.Features != nil {
		fill(models.ClassifierWeight, r.Classifier)
	}
	return r.session.Load(state)
}

func (r *opened) read(name string) ([]float64, error) {
	values, err := r.session.Read(name)
	wide := make([]float64, len(values))
	for i, v := range values {
		wide[i] = float64(v)
	}
	return wide, err
}

// transposed is the transpose of a matrix with rows of that width.
func transposed(m []float64, width int) []float64 {
	rows := len(m) / width
	t := make([]float64, len(m))
	for i, v := range m {
		t[i%width*rows+i/width] = v
	}
	return t
}

func narrow(v []float64) []float32 {
	single := make([]float32, len(v))
	for i, x := range v {
		single[i] = float32(x)
	}
	return single
}
