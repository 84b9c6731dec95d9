// Package curves re-runs known training curves on a backend and says how far it comes out.
//
// A case describes a short training whose every input follows from formulas, so that it can be repeated by anyone: see
// [Case.Run]. golden.json holds the losses, gradient norms and logits of such trainings computed in float64 by an independent
// implementation of the paper's protocol in PyTorch; it is embedded, so that a user can check a new machine.
package curves

import (
	_ "embed"
	"fmt"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

//go:embed golden.json
var golden []byte

// Case is a training and what it must give.
type Case struct {
	Classes   int     `json:"classes"` // 10, 20 or 100: the counts are those of CIFAR-10, -20 or -100
	Depth     int     `json:"depth"`   // of the ResNet
	Imbalance float64 `json:"imbalance"`
	Loss      string  `json:"loss"`
	Beta      float64 `json:"beta"`
	Gamma     float64 `json:"gamma"`
	Batch     int     `json:"batch"`
	LR        float64 `json:"lr"` // the same at every step
	Seed      uint64  `json:"seed"`
	Counts    []int   `json:"counts"` // images a class [classes], for the class weights

	Losses        []float64 `json:"losses"`         // of each step's batch, before its update
	GradientNorms []float64 `json:"gradient_norms"` // Euclidean, of each parameter at the first step
	LogitsSum     float64   `json:"logits_sum"`     // over the evaluation-mode logits of the last batch, after the last update
	LogitsSumSq   float64   `json:"logits_sumsq"`   // over their squares
}

// String names the case for people.
func (c Case) String() string {
	return fmt.Sprintf("resnet%d, %d classes, IF %g, %s beta %g gamma %g", c.Depth, c.Classes, c.Imbalance, c.Loss, c.Beta, c.Gamma)
}

// Golden are the built-in cases.
func Golden() []Case {
	cases, err := parse(golden)
	if err != nil {
		panic("curves: the embedded cases are damaged: " + err.Error())
	}
	return cases
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
	case c.dataset() == "":
		return fmt.Errorf("classes is %d, not 10, 20 or 100", c.Classes)
	case len(c.Counts) != c.Classes:
		return fmt.Errorf("%d counts for %d classes", len(c.Counts), c.Classes)
	case c.Batch < 1 || c.Batch > 4096:
		return fmt.Errorf("batch is %d", c.Batch)
	case len(c.Losses) == 0 || len(c.Losses) > 10000:
		return fmt.Errorf("%d losses: one a step is wanted", len(c.Losses))
	case c.Beta < 0 || c.Beta >= 1 || c.Gamma < 0:
		return fmt.Errorf("beta is %g and gamma %g: want beta in [0, 1) and gamma >= 0", c.Beta, c.Gamma)
	}
	for _, n := range c.Counts {
		if n < 1 {
			return fmt.Errorf("a class has %d images", n)
		}
	}
	return nil
}

func (c Case) dataset() string {
	return map[int]string{10: "cifar10", 20: "cifar20", 100: "cifar100"}[c.Classes]
}
