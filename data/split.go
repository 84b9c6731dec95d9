package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// SplitVersion is the version of split.json that is written.
const SplitVersion = 1

// Split is a choice of training images as split.json records it. Indices count from 0 in the original training set: for
// CIFAR the records of the files one after the other.
type Split struct {
	Version     int     `json:"version"`
	Dataset     string  `json:"dataset"`
	Source      string  `json:"source,omitempty"`    // SHA-256 of a data set that is a file
	Profile     string  `json:"profile"`             // exp, step, natural where no factor cuts the classes, or list where the images were given by index alone
	Imbalance   float64 `json:"imbalance,omitempty"` // factor of the profile; 0 for a list
	MaxPerClass int     `json:"max_per_class,omitempty"`
	Seed        uint64  `json:"seed"`                 // data.split_seed
	Draw        string  `json:"draw,omitempty"`       // data.split, where it is not seed
	Counts      []int   `json:"counts"`               // [C] images of each class in Indices
	Indices     []int32 `json:"indices"`              // images that are trained on, ascending
	Validation  []int32 `json:"validation,omitempty"` // images that are held out, ascending
}

// Write writes the split to path as JSON, atomically: a reader sees the old file or the whole new one. The bytes follow
// from the split alone.
func (s Split) Write(path string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the split %s: %w", path, err)
	}
	text = append(text, '\n')
	if there, err := disk.Read(path, int64(len(text))); err == nil && bytes.Equal(there, text) {
		return nil
	}
	return disk.Write(path, text)
}

// ReadSplit reads a file of Split.Write, or a plain list of indices, which is how others exchange their subsets: as JSON, or as
// text with spaces, commas or line ends between the numbers. A list gives a Split with Indices and Profile "list" alone: it does
// not say which data set it is of.
//
// An index that is negative, out of order in a Split, or there twice is an error, and so are unknown fields and trailing
// text: data errors, that name the file.
func ReadSplit(path string) (*Split, error) { return readSplit(path, disk.Read) }

func readSplit(path string, read func(path string, limit int64) ([]byte, error)) (*Split, error) {
	text, err := read(path, maxSplitBytes)
	if err != nil {
		return nil, fail.Data("reading the split: %w\nname a file in data.split_file, or leave it empty to draw a subset", err)
	}
	split, err := parseSplit(text)
	if err != nil {
		return nil, fail.Data("split file %s: %w\nit should be the split.json of a run, or a list of indices such as [0, 17, 42] or one on each line", path, err)
	}
	return split, nil
}

// maxSplitBytes bounds a split file: a hundred million images of ten bytes each.
const maxSplitBytes = 1 << 30

func parseSplit(text []byte) (*Split, error) {
	s := &Split{}
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) > 0 && trimmed[0] != '{' {
		var err error
		if trimmed[0] == '[' {
			err = disk.Decode(text, &s.Indices)
		} else {
			s.Indices, err = plainList(string(text))
		}
		if err != nil {
			return nil, err
		}
		s.Profile = profileList
		slices.Sort(s.Indices) // a list of another program may be in any order
		return s, s.checkIndices()
	}
	if err := disk.Decode(text, s); err != nil {
		return nil, err
	}
	if s.Version != SplitVersion {
		return nil, fmt.Errorf("version %d, expected %d", s.Version, SplitVersion)
	}
	return s, s.checkIndices()
}

// Profiles that no key has: of a subset that was given by its indices, and of one that no factor cuts.
const (
	profileList    = "list"
	profileNatural = "natural"
)

// plainList reads whole numbers with spaces, line ends or commas between them.
func plainList(text string) ([]int32, error) {
	var indices []int32
	for i, line := range strings.Split(text, "\n") {
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
			index, err := strconv.ParseInt(word, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("line %d: %s is no index", i+1, fail.Quote(word))
			}
			indices = append(indices, int32(index))
		}
	}
	return indices, nil
}

// checkIndices finds what is wrong with the indices whatever the data set: no image, order, sign, repetition.
func (s *Split) checkIndices() error {
	if len(s.Indices) == 0 {
		return fmt.Errorf("it lists no training image")
	}
	for _, list := range [][]int32{s.Indices, s.Validation} {
		for i, index := range list {
			if index < 0 {
				return fmt.Errorf("index %d is negative", index)
			}
			if i > 0 && index == list[i-1] {
				return fmt.Errorf("index %d is there twice", index)
			}
			if i > 0 && index < list[i-1] {
				return fmt.Errorf("index %d comes after %d: the file was changed by hand", index, list[i-1])
			}
		}
	}
	for _, index := range s.Validation {
		if _, both := slices.BinarySearch(s.Indices, index); both {
			return fmt.Errorf("index %d is both trained on and held out", index)
		}
	}
	return nil
}

// checkAgainst compares the split with the data set it is used for: labels [N] are those of the original training set.
func (s *Split) checkAgainst(set *Set, labels []int32) error {
	for _, list := range [][]int32{s.Indices, s.Validation} {
		if n := len(list); n > 0 && int(list[n-1]) >= len(labels) {
			return fmt.Errorf("index %d is beyond the %d training images of %s", list[n-1], len(labels), set.Name)
		}
	}
	counts := count(labels, s.Indices, len(set.Classes))
	if s.Counts != nil && !slices.Equal(s.Counts, counts) {
		return fmt.Errorf("its counts are %v, but its indices have %v", s.Counts, counts)
	}
	s.Counts = counts
	return nil
}

// count is how many of the indexed images each class has, [C].
func count(labels, indices []int32, classes int) []int {
	counts := make([]int, classes)
	for _, i := range indices {
		counts[labels[i]]++
	}
	return counts
}
