package data

import (
	"context"
	"math"
	"slices"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/rng"
)

// choose is the split that s asks for, drawn or from its file. labels [N] are those of the original training set.
func choose(s Spec, set *Set, labels []int32) (*Split, error) {
	if s.SplitFile != "" {
		return chooseFromFile(s, set, labels)
	}
	counts, err := longTail(s, set)
	if err != nil {
		return nil, err
	}
	profile := s.Profile
	if profile == "" {
		profile = "exp"
	}
	if s.Imbalance == Natural {
		profile = profileNatural
	}
	split := &Split{
		Version: SplitVersion, Dataset: set.Name, Source: set.Source, Profile: profile,
		Imbalance: s.Imbalance, MaxPerClass: s.MaxPerClass, Seed: s.SplitSeed,
	}
	members := byClass(labels, len(set.Classes))
	if s.Draw == LDAMDraw {
		split.Draw = s.Draw
		split.Indices = ldamDraw(uint32(s.SplitSeed), members, counts)
	} else {
		split.Indices = seedDraw(s.SplitSeed, members, counts)
	}
	slices.Sort(split.Indices)
	split.holdOut(s, set, labels)
	return split, nil
}

// seedDraw is a subset with so many images of each class [C]: the first of the order that the seed gives the class.
func seedDraw(seed uint64, members [][]int32, counts []int) []int32 {
	var indices []int32
	for class, images := range members {
		for _, k := range rng.New(seed, rng.Split, uint32(class), 0).Perm(len(images))[:counts[class]] {
			indices = append(indices, images[k])
		}
	}
	return indices
}

// byClass is the indices of the images of each class, ascending.
func byClass(labels []int32, classes int) [][]int32 {
	members := make([][]int32, classes)
	for i, class := range labels {
		members[class] = append(members[class], int32(i))
	}
	return members
}

// holdOut moves the part s.Validation of each class from Indices to Validation, and sets Counts to what is left to train on. The order
// is drawn once per class, so larger fractions contain smaller ones.
func (s *Split) holdOut(spec Spec, set *Set, labels []int32) {
	s.Counts = count(labels, s.Indices, len(set.Classes))
	if spec.Validation == 0 {
		return
	}
	rank := make([]int32, len(labels)) // the order in which the images of a class are held out
	for class, members := range byClass(labels, len(set.Classes)) {
		for place, k := range rng.New(spec.SplitSeed, rng.Validation, uint32(class), 0).Perm(len(members)) {
			rank[members[k]] = int32(place)
		}
	}
	chosen := make([][]int32, len(set.Classes))
	for _, i := range s.Indices {
		chosen[labels[i]] = append(chosen[labels[i]], i)
	}
	s.Indices, s.Validation = nil, nil
	for class, members := range chosen {
		slices.SortFunc(members, func(a, b int32) int { return int(rank[a] - rank[b]) })
		out := HeldOut(len(members), spec.Validation)
		s.Validation = append(s.Validation, members[:out]...)
		s.Indices = append(s.Indices, members[out:]...)
		s.Counts[class] = len(members) - out
	}
	slices.Sort(s.Indices)
	slices.Sort(s.Validation)
}

// splitFromFile is the split of s.SplitFile, checked against the labels of the set.
func splitFromFile(s Spec, set *Set) (*Split, error) {
	all, err := set.open(context.Background(), s, false)
	if err != nil {
		return nil, err
	}
	return chooseFromFile(s, set, all.Labels(false))
}

func chooseFromFile(s Spec, set *Set, labels []int32) (*Split, error) {
	split, err := readSplit(s.SplitFile, disk.ReadInput)
	if err != nil {
		return nil, err
	}
	if split.Dataset != "" {
		if err := split.checkOrigin(s, set); err != nil {
			return nil, err
		}
	}
	if err := split.checkAgainst(set, labels); err != nil {
		return nil, fail.Data("split file %s: %w\nuse the list with the data set that it was made for, or make it again", s.SplitFile, err)
	}
	if split.Dataset == "" {
		split.Version, split.Dataset, split.Source, split.Seed = SplitVersion, set.Name, set.Source, s.SplitSeed
	}
	if len(split.Validation) == 0 {
		split.holdOut(s, set, labels)
	}
	return split, nil
}

// checkOrigin finds where a split of our own making does not fit the rest of the spec.
func (s *Split) checkOrigin(spec Spec, set *Set) error {
	if s.Dataset != set.Name {
		return fail.Usage("data.split_file=%s is a split of %s, but data.dataset is %s\nuse data.dataset=%[2]s", spec.SplitFile, s.Dataset, set.Name)
	}
	if s.Source != set.Source {
		return fail.Usage("data.split_file=%s is a split of another file than data.dataset=%s: that had the checksum %s, this one has %s\nuse the file that the split was made for, or make the split again",
			spec.SplitFile, spec.Dataset, s.Source, set.Source)
	}
	if set.Drawn && s.Seed != spec.SplitSeed {
		return fail.Usage("data.split_file=%s chose among the images of data.split_seed=%d, but data.split_seed is %d, which draws others\nuse data.split_seed=%[2]d",
			spec.SplitFile, s.Seed, spec.SplitSeed)
	}
	if len(s.Validation) > 0 && spec.Validation > 0 {
		return fail.Usage("data.validation=%v: data.split_file=%s names its own held-out images\nleave data.validation at 0", spec.Validation, spec.SplitFile)
	}
	return nil
}

// testIndices are the test images to use: all, or, of a class that max_per_class cuts, the first in the original order, as many as
// keep the proportion of training to test images, rounded, at least one. No seed enters, so that runs with different subsets are
// judged by the same images. labels [N] are those of the original test set.
func testIndices(s Spec, set *Set, labels []int32) []int32 {
	limit := testCounts(s, set)
	var indices []int32
	taken := make([]int, len(set.Classes))
	for i, class := range labels {
		if taken[class] < limit[class] {
			taken[class]++
			indices = append(indices, int32(i))
		}
	}
	return indices
}

// testCounts are the test images of each class [C] that testIndices takes.
func testCounts(s Spec, set *Set) []int {
	counts := slices.Clone(set.Test)
	for class, n := range counts {
		if s.MaxPerClass > 0 && n > 0 {
			kept := min(s.MaxPerClass, set.Train[class])
			counts[class] = max(1, int(math.Round(float64(n)*float64(kept)/float64(set.Train[class]))))
		}
	}
	return counts
}

// TestCount is how many test images Load(s) would give of a set.
func TestCount(s Spec, set *Set) int { return sum(testCounts(s, set)) }
