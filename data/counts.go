package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"longtail/internal/fail"
)

// Profiles are the known shapes of a long tail.
func Profiles() []string { return []string{"exp", "step"} }

// Counts are the training images of each class [C] that Load(s) would give, so without those held out. It reads no file
// unless s.SplitFile is set: then the labels of the images listed there are counted.
//
// A class left without an image is a usage error, as is every value of s outside its range.
func Counts(s Spec) ([]int, error) {
	set, err := check(s)
	if err != nil {
		return nil, err
	}
	if s.SplitFile != "" {
		split, err := splitFromFile(s, set)
		if err != nil {
			return nil, err
		}
		return split.Counts, nil
	}
	counts, err := longTail(s, set)
	if err != nil {
		return nil, err
	}
	for c, n := range counts {
		counts[c] = n - HeldOut(n, s.Validation)
	}
	return counts, nil
}

// Check finds impossible values, a class left without an image among them, and touches no file. Where an index list chooses the
// images, the long tail that it replaces is not checked.
func Check(s Spec) error {
	_, err := check(s)
	return err
}

// check is Check, with the data set.
func check(s Spec) (*Set, error) {
	set, err := Lookup(s.Dataset)
	if err != nil {
		return nil, err
	}
	switch {
	case math.IsNaN(s.Imbalance) || math.IsInf(s.Imbalance, 0) || s.Imbalance < 0:
		return nil, fail.Usage("data.imbalance=%v: the factor is a number of at least 1\nuse none for the classes as they are, 100 for a tail of a hundredth of the head", s.Imbalance)
	case s.Imbalance != Natural && s.Imbalance < 1:
		return nil, fail.Usage("data.imbalance=%v: factors are head over tail, at least 1: did you mean %s?\nuse data.imbalance=%[2]s",
			s.Imbalance, strconv.FormatFloat(1/s.Imbalance, 'g', 6, 64))
	case s.Profile != "" && !slices.Contains(Profiles(), s.Profile):
		return nil, fail.Usage("data.profile=%s: no such profile\nchoose one of %s", s.Profile, strings.Join(Profiles(), ", "))
	case s.MaxPerClass < 0 || s.MaxPerClass > set.most():
		return nil, fail.Usage("data.max_per_class=%d: %s has %d training images of its most frequent class\nuse a number from 1 to %[3]d, or 0 for all",
			s.MaxPerClass, set.Name, set.most())
	case math.IsNaN(s.Validation) || s.Validation < 0 || s.Validation >= 1:
		return nil, fail.Usage("data.validation=%v: the held-out part is a fraction of at least 0 and below 1\nuse for example data.validation=0.1", s.Validation)
	}
	if err := s.checkDraw(); err != nil || s.SplitFile != "" {
		return set, err
	}
	_, err = longTail(s, set)
	return set, err
}

// longTail is how many training images of each class [C] the subset has, held-out ones included:
//
//	exp:  n_c = int(n_max * (1 / IF)^(c / (C - 1)))
//	step: n_max for the first C / 2 classes, int(n_max * (1 / IF)) for the others
//
// in just this order of operations, as the authors' code does; an exp of a log loses images. In a set whose classes are not equal, c
// counts them from the most frequent one on, and a class has no more images than it has there; without a factor (Natural) it has these,
// at most n_max. The step profile is that of Cao et al., "Learning Imbalanced Datasets with
// Label-Distribution-Aware Margin Loss", NeurIPS 2019.
func longTail(s Spec, set *Set) ([]int, error) {
	top := float64(set.most())
	if s.MaxPerClass > 0 {
		top = float64(s.MaxPerClass)
	}
	counts := make([]int, len(set.Classes))
	if s.Imbalance == Natural {
		for c := range counts {
			counts[c] = min(int(top), set.Train[c])
		}
		return counts, nil
	}
	tail := newPower(1 / s.Imbalance)
	for rank, c := range ByFrequency(set.Train) {
		exponent := float64(rank) / float64(len(counts)-1)
		if s.Profile == "step" {
			exponent = math.Floor(2 * float64(rank) / float64(len(counts)))
		}
		counts[c] = min(int(top*tail.to(exponent)), set.Train[c])
		if counts[c] == 0 {
			return nil, fail.Usage("data.imbalance=%v: class %d (%s) of %s would have no training image of at most %v\nlower data.imbalance to %v or less%s",
				s.Imbalance, c, set.Classes[c], set.Name, top, top, raiseHint(s, set))
		}
	}
	return counts, nil
}

// Tail is how many training images of each class [C] an exponential tail of a factor has, whose most frequent class has so many.
func (s *Set) Tail(imbalance float64, most int) ([]int, error) {
	return longTail(Spec{Imbalance: imbalance, MaxPerClass: most}, s)
}

// ByFrequency is the order of the classes [C] from most to fewest images; equal ones keep their order.
func ByFrequency(counts []int) []int {
	order := make([]int, len(counts))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return counts[b] - counts[a] })
	return order
}

// ImbalanceText is an imbalance factor as the config has it: none for Natural.
func ImbalanceText(factor float64) string {
	if factor == Natural {
		return "none"
	}
	return strconv.FormatFloat(factor, 'f', -1, 64)
}

// ImbalanceLabel is an imbalance factor for a reader: IF 100, or natural.
func ImbalanceLabel(factor float64) string {
	if factor == Natural {
		return "natural"
	}
	return "IF " + ImbalanceText(factor)
}

// raiseHint is the other way out of an empty class, where there is one.
func raiseHint(s Spec, set *Set) string {
	if need := int(math.Ceil(s.Imbalance)); s.MaxPerClass > 0 && need <= set.most() {
		return fmt.Sprintf(", or raise data.max_per_class to %d or more", need)
	}
	return ""
}

// HeldOut is how many of a class's n images the validation part or another one that is set apart takes: round(fraction * n), halves up, but at least one
// where n >= 2, so that no class is judged by nothing, and never all, so that every class is still trained on.
func HeldOut(n int, fraction float64) int {
	if fraction == 0 || n < 2 {
		return 0
	}
	return min(max(int(math.Floor(fraction*float64(n)+0.5)), 1), n-1)
}
