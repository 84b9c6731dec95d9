package data

import (
	"math"

	"longtail/internal/fail"
	"longtail/internal/mt19937"
)

// The values of the key data.split.
const (
	SeedDraw = "seed" // from data.split_seed, larger subsets containing smaller ones
	LDAMDraw = "ldam" // as the released code of Cao et al. (LDAM-DRW, NeurIPS 2019) draws it, NumPy seeded with data.split_seed
)

// Draws are the values of the key data.split.
func Draws() []string { return []string{SeedDraw, LDAMDraw} }

// checkDraw finds what cannot be drawn by NumPy.
func (s *Spec) checkDraw() error {
	switch {
	case s.Draw == LDAMDraw && s.SplitSeed > math.MaxUint32:
		return fail.Usage("data.split=ldam: data.split_seed=%d is no seed of NumPy\nuse a number below 4294967296; their own is 0", s.SplitSeed)
	case s.Draw != "" && s.Draw != SeedDraw && s.Draw != LDAMDraw:
		return fail.Usage("data.split=%s: there is no such way to draw a subset\nchoose one of seed, ldam", s.Draw)
	}
	return nil
}

// ldamDraw is a subset with so many images of each class [C], drawn as by
//
//	np.random.seed(seed)
//	for each class in turn:
//	    idx = np.where(targets == class)[0]
//	    np.random.shuffle(idx)
//	    idx[:n]
//
// The default seed of that code is 0, and the subset of that seed is the one in common use.
func ldamDraw(seed uint32, members [][]int32, counts []int) []int32 {
	generator := mt19937.New(seed)
	var indices []int32
	for class, images := range members {
		generator.Shuffle(images)
		indices = append(indices, images[:counts[class]]...)
	}
	return indices
}
