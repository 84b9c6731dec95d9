package data

import (
	"slices"
	"strings"

	"longtail/internal/fail"
)

// set is what is known about a data set without reading it. All sets have as many images of one class as of another.
type set struct {
	name    string
	classes []string // class names, their order is that of the labels
	train   int      // training images a class
	test    int      // test images a class
	source  *source  // nil: drawn, not read
}

func (s *set) trainLen() int { return s.train * len(s.classes) }
func (s *set) testLen() int  { return s.test * len(s.classes) }

// Names are the known data sets.
func Names() []string {
	names := make([]string, len(sets))
	for i := range sets {
		names[i] = sets[i].name
	}
	return names
}

// Profiles are the known shapes of a long tail.
func Profiles() []string { return []string{"exp", "step"} }

// ClassNames are the names of the classes of a data set, in the order of the labels. An unknown data set is a usage error.
func ClassNames(dataset string) ([]string, error) {
	s, err := lookup(dataset)
	if err != nil {
		return nil, err
	}
	return slices.Clone(s.classes), nil
}

// Drawn says whether a data set is a procedural one, which needs no file.
func Drawn(dataset string) bool {
	s, err := lookup(dataset)
	return err == nil && s.source == nil
}

func lookup(dataset string) (*set, error) {
	for i := range sets {
		if sets[i].name == dataset {
			return &sets[i], nil
		}
	}
	return nil, fail.Usage("data.dataset=%s: no such data set\nchoose one of %s", dataset, strings.Join(Names(), ", "))
}
