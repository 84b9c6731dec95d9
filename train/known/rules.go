package known

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"longtail/data"
	"longtail/data/mix"
	"longtail/eval"
	"longtail/models"

	"gorgonia.org/tensor"
)

// RuleCase is a rule with its inputs and what it must give.
type RuleCase struct {
	Name    string `json:"name"`
	Rule    string `json:"rule"` // sampler, remix, tau_norm, posthoc or max_norm
	Kind    string `json:"kind"` // of a sampler
	Options struct {
		Beta     float64 `json:"beta"`
		Epoch    int     `json:"epoch"`
		Epochs   float64 `json:"epochs"`
		Kappa    float64 `json:"kappa"`
		Tau      float64 `json:"tau"`
		KeepBias bool    `json:"keep_bias"`
		Radius   float64 `json:"radius"`
	} `json:"options"`
	Counts     []int        `json:"counts"`     // [C]
	Pairs      [][3]float64 `json:"pairs"`      // images of label 1, images of label 2, share of the first image
	Classifier [][]float64  `json:"classifier"` // [C, d]
	Bias       []float64    `json:"bias"`       // [C]
	Features   [][]float64  `json:"features"`   // [N, d]
	Logits     [][]float64  `json:"logits"`     // [N, C]

	Expected  Numbers   `json:"expected"`
	Tolerance Tolerance `json:"tolerance"`
}

// ReadRules reads cases of rules from a file.
func ReadRules(path string) ([]RuleCase, error) { return read[RuleCase](path) }

// rules compute the numbers of a case.
var rules = map[string]func(*RuleCase) ([]float64, error){
	"sampler": (*RuleCase).sampler,
	"remix":   (*RuleCase).remix,
	"tau_norm": func(c *RuleCase) ([]float64, error) {
		bias := c.Bias
		if !c.Options.KeepBias {
			bias = nil
		}
		if err := c.check(c.Classifier, c.Features); err != nil {
			return nil, err
		}
		return flat(eval.Logits(c.Features, eval.TauNormalize(c.Classifier, c.Options.Tau), bias)), nil
	},
	"posthoc": func(c *RuleCase) ([]float64, error) {
		if err := c.check(c.Logits); err != nil || len(c.Logits[0]) != len(c.Counts) {
			return nil, fmt.Errorf("counts and logits do not fit together")
		}
		return flat(eval.AdjustLogits(c.Logits, c.Counts, c.Options.Tau)), nil
	},
	"max_norm": (*RuleCase).maxNorm,
}

// Run computes a case. A rule that the program lacks is an outcome too.
func (c *RuleCase) Run() (o Outcome) {
	rule, known := rules[c.Rule]
	if !known {
		return Outcome{Err: fmt.Errorf("there is no rule %q; there are %s", c.Rule, strings.Join(slices.Sorted(maps.Keys(rules)), ", "))}
	}
	got, err := rule(c)
	if err != nil {
		return Outcome{Err: err}
	}
	o.compare(c.Rule, got, c.Expected, c.Tolerance)
	return o
}

func (c *RuleCase) sampler() ([]float64, error) {
	return data.ClassProbabilities(c.Kind, data.ClassDraw{Counts: c.Counts, Epoch: c.Options.Epoch, Epochs: c.Options.Epochs, Beta: c.Options.Beta})
}

func (c *RuleCase) remix() ([]float64, error) {
	var shares []float64
	for _, p := range c.Pairs {
		shares = append(shares, mix.Remix(int(p[0]), int(p[1]), p[2], c.Options.Kappa, c.Options.Tau))
	}
	return shares, nil
}

func (c *RuleCase) maxNorm() ([]float64, error) {
	if err := c.check(c.Classifier); err != nil {
		return nil, err
	}
	m := tensor.New(tensor.WithShape(len(c.Classifier), len(c.Classifier[0])), tensor.WithBacking(narrow(flat(c.Classifier))))
	models.MaxNorm(m, c.Options.Radius)
	var rows []float64
	for _, v := range m.Data().([]float32) {
		rows = append(rows, float64(v))
	}
	return rows, nil
}

// check returns an error unless the matrices have rows, all of one width.
func (c *RuleCase) check(matrices ...[][]float64) error {
	for _, m := range matrices {
		for _, row := range m {
			if len(row) == 0 || len(row) != len(matrices[0][0]) {
				return fmt.Errorf("rows of different lengths")
			}
		}
		if len(m) == 0 {
			return fmt.Errorf("a matrix without rows")
		}
	}
	if c.Bias != nil && len(c.Bias) != len(c.Classifier) {
		return fmt.Errorf("%d numbers of a bias for %d classes", len(c.Bias), len(c.Classifier))
	}
	return nil
}
