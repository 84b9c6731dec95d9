package data

import (
	"math"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
	"longtail/internal/rng"

	"pgregory.net/rapid"
)

// A stream of any sampler is its epochs laid end to end, in whatever pieces it is taken.
func TestStreamIsTheEpochsLaidEndToEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, n := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 60).Draw(t, "n")
		var all []int32
		for epoch := 0; len(all) < 600; epoch++ {
			all = append(all, Permutation(seed, epoch, n)...)
		}
		s, err := NewStream(Sampling{Sampler: Instance}, Epoch{Seed: seed, Labels: make([]int32, n), Classes: 1}, Files{})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			first, count := rapid.IntRange(0, 300).Draw(t, "first"), rapid.IntRange(0, 200).Draw(t, "count")
			got, err := s.Take(first, count)
			if err != nil || !slices.Equal(got, all[first:first+count]) {
				t.Fatalf("from %d on: %v, %v, want %v", first, got, err, all[first:first+count])
			}
		}
	})
}

// What a sampler gives is checked: too few samples and images that are not there are errors, not crashes.
func TestSamplersAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		sampler Sampler
		want    string
	}{
		"test-short":  {func(e Epoch) ([]int32, error) { return make([]int32, len(e.Labels)-1), nil }, "gives 4 samples for an epoch of 5"},
		"test-beyond": {func(e Epoch) ([]int32, error) { return []int32{0, 1, 2, 3, int32(e.Number + 5)}, nil }, "gives image 5 of 5 as sample 4 of epoch 0"},
		"test-below":  {func(e Epoch) ([]int32, error) { return []int32{0, -1, 2, 3, 4}, nil }, "gives image -1 of 5"},
	} {
		RegisterSampler(name, c.sampler)
		defer delete(samplers, name)
		s, err := NewStream(Sampling{Sampler: name}, Epoch{Labels: make([]int32, 5), Classes: 1}, Files{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Take(0, 1); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewStream(Sampling{Sampler: Instance}, Epoch{}, Files{}); fail.Code(err) != fail.CodeUsage {
		t.Errorf("no images: %v", err)
	}
	if _, err := NewStream(Sampling{Sampler: "instanec"}, Epoch{}, Files{}); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), Instance) {
		t.Errorf("unknown sampler: %v", err)
	}
}

func TestEpochsDiffer(t *testing.T) {
	if slices.Equal(Permutation(1, 0, 100), Permutation(1, 1, 100)) || slices.Equal(Permutation(1, 0, 100), Permutation(2, 0, 100)) {
		t.Error("another epoch or seed gives the same order")
	}
}

// The formula as a kernel would write it.
func TestAugmentIsOnePhiloxCall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, epoch, sample := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 1000).Draw(t, "epoch"), rapid.IntRange(0, 50000).Draw(t, "sample")
		draw := rapid.IntRange(0, 50000).Draw(t, "draw")
		w := rng.Philox(seed, [4]uint32{uint32(sample), uint32(epoch), uint32(draw), 3})
		want := Crop{DY: int(uint64(w[0]) * 9 >> 32), DX: int(uint64(w[1]) * 9 >> 32), Flip: w[2] >= 1<<31, Center: w[3]}
		if got := Augment(seed, epoch, draw, sample); got != want {
			t.Fatalf("Augment = %+v, want %+v", got, want)
		}
	})
}

func TestAugmentUsesEveryOffsetAndSideEqually(t *testing.T) {
	const draws = 90_000
	var dy, dx [9]int
	flips := 0
	for i := range draws {
		d := Augment(11, i%7, 0, i)
		dy[d.DY]++
		dx[d.DX]++
		if d.Flip {
			flips++
		}
	}
	for k := range 9 { // five standard errors of a binomial
		if math.Abs(float64(dy[k]-draws/9)) > 480 || math.Abs(float64(dx[k]-draws/9)) > 480 {
			t.Errorf("offset %d was drawn %d and %d times of %d", k, dy[k], dx[k], draws)
		}
	}
	if math.Abs(float64(flips-draws/2)) > 750 {
		t.Errorf("%d flips of %d", flips, draws)
	}
}

func TestHoleOfCutout(t *testing.T) {
	for _, c := range []struct {
		center              uint32
		side, height, width int
		top, left           int
	}{
		{0, 16, 32, 32, -8, -8}, {0xffffffff, 16, 32, 32, 23, 23}, {0x80004000, 6, 24, 48, 9, 9}, {0x40008000, 6, 24, 48, 3, 21},
	} {
		if top, left := (Crop{Center: c.center}).Hole(c.side, c.height, c.width); top != c.top || left != c.left {
			t.Errorf("side %d of %d x %d at %#x: %d, %d, want %d, %d", c.side, c.height, c.width, c.center, top, left, c.top, c.left)
		}
	}
}
