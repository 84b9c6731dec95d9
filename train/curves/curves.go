// Package curves re-runs known training curves on a backend and says how far it comes out.
//
// A case describes a short training whose every input follows from formulas, so that it can be repeated by anyone: see
// [Case.Run]. golden.json holds the losses, gradient norms and logits of such trainings computed in float64 by an independent
// implementation of the paper's protocol in PyTorch, methods.json those of other losses, weights, divisors and shortcuts, and of frozen
// features. Both are embedded, so that a user can check a new machine.
package curves

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/loss"
)

//go:embed golden.json
var golden []byte

//go:embed methods.json
var methods []byte

// Case is a training and what it must give.
type Case struct {
	Classes   int      `json:"classes"`
	Model     string   `json:"model"` // name of the network; empty: resnet and the depth
	Depth     int      `json:"depth"` // of the ResNet
	Imbalance float64  `json:"imbalance"`
	Loss      string   `json:"loss"`
	Beta      float64  `json:"beta"`
	Gamma     *float64 `json:"gamma"` // of the paper's focal loss alone, 1 where it is missing; options.gamma wins
	Batch     int      `json:"batch"`
	LR        float64  `json:"lr"` // the same at every step
	Seed      uint64   `json:"seed"`
	Counts    []int    `json:"counts"` // images a class [classes], for the class weights

	// These may be missing, and then have the meaning of the built-in cases.
	Steps         int          `json:"steps"`          // the number of losses
	Side          int          `json:"side"`           // height and width of the images; 32
	Shortcut      string       `json:"shortcut"`       // one of models.Shortcuts; avgpool
	Options       loss.Options `json:"options"`        // of the loss
	Divisor       string       `json:"divisor"`        // one of loss.Divisors; batch
	ReweightFrom  int          `json:"reweight_from"`  // the step from which the class weights hold; before it all are 1
	Frozen        bool         `json:"frozen"`         // only the classifier is trained
	BoundLoss     float64      `json:"bound_loss"`     // in place of those of the precision, where they are wider
	BoundGradient float64      `json:"bound_gradient"` //

	Losses        []float64 `json:"losses"`         // of each step's batch, before its update
	GradientNorms []float64 `json:"gradient_norms"` // Euclidean, of each parameter that is trained, at the first step
	LogitsSum     float64   `json:"logits_sum"`     // over the evaluation-mode logits of the last batch, after the last update
	LogitsSumSq   float64   `json:"logits_sumsq"`   // over their squares
}

// String names the case for people.
func (c Case) String() string {
	name := fmt.Sprintf("%s, %d classes, IF %g, %s beta %g", c.model(), c.Classes, c.Imbalance, c.Loss, c.Beta)
	options := c.options()
	for _, option := range slices.Sorted(maps.Keys(options)) {
		name += fmt.Sprintf(" %s %g", option, options[option])
	}
	if c.Frozen {
		name += ", frozen"
	}
	return name
}

// model is the name of the network.
func (c Case) model() string {
	if c.Model != "" {
		return c.Model
	}
	return fmt.Sprintf("resnet%d", c.Depth)
}

// options are those of the loss.
func (c Case) options() loss.Options {
	options := maps.Clone(c.Options)
	if _, given := options["gamma"]; c.Loss == loss.Focal && !given {
		gamma := 1.
		if c.Gamma != nil {
			gamma = *c.Gamma
		}
		options = loss.Options{"gamma": gamma}
	}
	return options
}

// Golden are the built-in cases, those of the paper first.
func Golden() []Case {
	var all []Case
	for _, text := range [][]byte{golden, methods} {
		cases, err := parse(text)
		if err != nil {
			panic("curves: the embedded cases are damaged: " + err.Error())
		}
		all = append(all, cases...)
	}
	return all
}

// Read reads cases from a file of the format of golden.json: a JSON list of objects.
func Read(path string) ([]Case, error) {
	text, err := disk.ReadInput(path, maxBytes)
	if err != nil {
		return nil, fail.Data("reading curves: %w\nname a file like train/curves/golden.json, or none for the built-in cases", err)
	}
	cases, err := parse(text)
	if err != nil {
		return nil, fail.Data("curves file %s: %w\na list of cases like the built-in ones is wanted", path, err)
	}
	return cases, nil
}

// maxBytes bounds a file of curves.
const maxBytes = 64 << 20

func parse(text []byte) ([]Case, error) {
	var cases []Case
	if err := disk.Decode(text, &cases); err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("it has no case")
	}
	for i, c := range cases {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("case %d: %w", i+1, err)
		}
	}
	return cases, nil
}

func (c Case) check() error {
	switch {
	case c.Classes < 2:
		return fmt.Errorf("classes is %d: at least 2 are wanted", c.Classes)
	case len(c.Counts) != c.Classes:
		return fmt.Errorf("%d counts for %d classes", len(c.Counts), c.Classes)
	case c.Batch < 1 || c.Batch > 4096:
		return fmt.Errorf("batch is %d", c.Batch)
	case len(c.Losses) == 0 || len(c.Losses) > 10000:
		return fmt.Errorf("%d losses: one a step is wanted", len(c.Losses))
	case c.Steps != 0 && c.Steps != len(c.Losses):
		return fmt.Errorf("%d losses for %d steps", len(c.Losses), c.Steps)
	case c.Side < 0 || c.Side > 1024 || c.ReweightFrom < 0:
		return fmt.Errorf("side is %d and reweight_from %d", c.Side, c.ReweightFrom)
	case c.Beta < 0 || c.Beta >= 1:
		return fmt.Errorf("beta is %g: want beta in [0, 1)", c.Beta)
	}
	for _, n := range c.Counts {
		if n < 1 {
			return fmt.Errorf("a class has %d images", n)
		}
	}
	return nil
}
