package run

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Adjusted are the results of a run with the outputs of its network changed after training, see package posthoc. The epochs are those
// that the plain results chose.
type Adjusted struct {
	Method           string          `json:"method"` // adjust, tau_norm or ncm
	Auto             bool            `json:"auto"`   // tau was chosen on held-out images
	Last             AdjustedResult  `json:"last"`
	Best             AdjustedResult  `json:"best"`
	BestByValidation *AdjustedResult `json:"best_by_validation,omitempty"`
}

// AdjustedResult is a test result with changed outputs. Its loss is the cross-entropy of the softmax of the changed logits; nearest class
// means, whose scores are no logits, have a loss of 0 and no calibration error.
type AdjustedResult struct {
	Tau     *float64 `json:"tau,omitempty"`      // nil of a method without
	HeldOut *float64 `json:"held_out,omitempty"` // balanced accuracy on the held-out images, which chose tau; nil where nothing was chosen
	Result
}

// Quoted are the results that a run is quoted by: the adjusted ones where its config asked for them. byValidation is nil where nothing
// was held out.
func (s *Summary) Quoted() (last, best, byValidation *Result) {
	if s.Adjusted == nil {
		return &s.Last, &s.Best, s.BestByValidation
	}
	if r := s.Adjusted.BestByValidation; r != nil {
		byValidation = &r.Result
	}
	return &s.Adjusted.Last.Result, &s.Adjusted.Best.Result, byValidation
}

// settings are the keys of the config's section eval that the results were computed with; a is nil where it asked for nothing.
func (a *Adjusted) settings() []string {
	values := map[string]string{"adjust": "none", "tau_norm": "none", "ncm": "false"}
	switch {
	case a == nil:
	case a.Auto:
		values[a.Method] = "auto"
	case a.Last.Tau != nil:
		values[a.Method] = strconv.FormatFloat(*a.Last.Tau, 'g', -1, 64)
	default:
		values[a.Method] = "true"
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		all = append(all, "eval."+key+"="+values[key])
	}
	return all
}

// checkAdjusted compares adjusted results with the plain ones and with what they follow from.
func (s *Summary) checkAdjusted() error {
	a := s.Adjusted
	if a == nil {
		return nil
	}
	if hasControl(a.Method) || a.Method == "" {
		return fmt.Errorf("adjusted: %q is no method", a.Method)
	}
	if (a.BestByValidation == nil) != (s.BestByValidation == nil) {
		return errors.New("adjusted: best_by_validation is in one of the two results only")
	}
	for _, pair := range []struct {
		name  string
		plain *Result
		got   *AdjustedResult
	}{{"last", &s.Last, &a.Last}, {"best", &s.Best, &a.Best}, {"best_by_validation", s.BestByValidation, a.BestByValidation}} {
		if pair.got == nil {
			continue
		}
		if err := pair.got.check(s.TestCounts); err != nil {
			return fmt.Errorf("adjusted: %s: %w", pair.name, err)
		}
		if pair.got.Step != pair.plain.Step {
			return fmt.Errorf("adjusted: %s: step %d, the plain result is of step %d", pair.name, pair.got.Step, pair.plain.Step)
		}
		if tau := pair.got.Tau; tau != nil && !(*tau >= 0) {
			return fmt.Errorf("adjusted: %s: tau is %v", pair.name, *tau)
		}
	}
	return nil
}
