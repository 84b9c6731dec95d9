// Package known compares losses and the rules around them with values that were computed elsewhere, in float64.
//
// A [LossCase] has logits, or features and a classifier, labels, counts and options, and the class weights, loss and gradients that they
// must give; it runs on a backend, through the same programs as a training. A [RuleCase] is a rule that is a function of a few numbers:
// the probabilities of a sampler, the factor of Remix, a classifier's normalisation. Both are read from files of JSON lists.
package known

import (
	"encoding/json"
	"fmt"
	"math"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// maxBytes bounds a file of cases.
const maxBytes = 64 << 20

// Tolerance is [r, a]: a number passes if it is finite and at most r * |expected| + a from what is expected.
type Tolerance [2]float64

// Outcome is how a case came out.
type Outcome struct {
	Share float64 // the largest part of a tolerance that a number used; at most 1 passes
	Worst string  // the number that used it, such as gradient[3]
	Err   error   // why there are no numbers, or nil
}

// OK reports whether all numbers are within their tolerances.
func (o Outcome) OK() bool { return o.Err == nil && o.Share <= 1 }

// String is the outcome in a few words.
func (o Outcome) String() string {
	switch {
	case o.Err != nil:
		return "FAILED: " + o.Err.Error()
	case o.OK():
		return fmt.Sprintf("%.3f of the tolerance", o.Share)
	}
	return fmt.Sprintf("%.3g of the tolerance, %s  OUT OF BOUNDS", o.Share, o.Worst)
}

// compare takes numbers of one kind into the outcome.
func (o *Outcome) compare(what string, got, want []float64, t Tolerance) {
	if len(got) != len(want) && o.Err == nil {
		o.Err = fmt.Errorf("%s has %d numbers, %d are expected", what, len(got), len(want))
	}
	if o.Err != nil {
		return
	}
	for i, g := range got {
		share := 0.0
		if g != want[i] {
			share = math.Abs(g-want[i]) / (t[0]*math.Abs(want[i]) + t[1])
		}
		if math.IsNaN(share) || math.IsInf(g, 0) {
			share = math.Inf(1)
		}
		if share > o.Share {
			o.Share, o.Worst = share, fmt.Sprintf("%s[%d] is %.9g, not %.9g", what, i, g, want[i])
		}
	}
}

// read reads a list of cases from a file. What is wrong with it is a data error.
func read[C any](path string) ([]C, error) {
	text, err := disk.ReadInput(path, maxBytes)
	if err != nil {
		return nil, fail.Data("reading known values: %w\nname a file that holds a JSON list of cases", err)
	}
	var cases []C
	if err := disk.Decode(text, &cases); err != nil {
		return nil, fail.Data("known values in %s: %w\na JSON list of cases is wanted", path, err)
	}
	if len(cases) == 0 {
		return nil, fail.Data("known values in %s: it has no case\na JSON list of cases is wanted", path)
	}
	return cases, nil
}

// Numbers is a list of numbers, or lists of such lists, row after row.
type Numbers []float64

// UnmarshalJSON reads nested lists.
func (n *Numbers) UnmarshalJSON(text []byte) error {
	var lists []json.RawMessage
	if json.Unmarshal(text, &lists) != nil {
		var x float64
		err := json.Unmarshal(text, &x)
		*n = append(*n, x)
		return err
	}
	*n = Numbers{}
	for _, list := range lists {
		var inner Numbers
		if err := inner.UnmarshalJSON(list); err != nil {
			return err
		}
		*n = append(*n, inner...)
	}
	return nil
}

func flat(rows [][]float64) []float64 {
	var all []float64
	for _, row := range rows {
		all = append(all, row...)
	}
	return all
}
