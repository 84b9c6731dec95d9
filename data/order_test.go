package data

import (
	"slices"
	"testing"

	"longtail/internal/rng"

	"pgregory.net/rapid"
)

func TestOrderIsTheEpochsLaidEndToEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, n := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 60).Draw(t, "n")
		first, length := rapid.IntRange(0, 300).Draw(t, "first"), rapid.IntRange(0, 200).Draw(t, "count")
		var all []int32
		for epoch := 0; len(all) < first+length; epoch++ {
			all = append(all, Permutation(seed, epoch, n)...)
		}
		if got := Order(seed, n, first, length); !slices.Equal(got, all[first:first+length]) {
			t.Fatalf("Order = %v, want %v", got, all[first:first+length])
		}
	})
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
		w := rng.Philox(seed, [4]uint32{uint32(sample), uint32(epoch), 0, 3})
		want := Draw{DY: int(uint64(w[0]) * 9 >> 32), DX: int(uint64(w[1]) * 9 >> 32), Flip: w[2] >= 1<<31}
		if got := Augment(seed, epoch, sample); got != want {
			t.Fatalf("Augment = %+v, want %+v", got, want)
		}
	})
}

func TestAugmentUsesEveryOffsetAndSideEqually(t *testing.T) {
	const draws = 90_000
	var dy, dx [9]int
	flips := 0
	for i := range draws {
		d := Augment(11, i%7, i)
		dy[d.DY]++
		dx[d.DX]++
		if d.Flip {
			flips++
		}
	}
	for k := range 9 { // five standard errors of a binomial
		if abs(float32(dy[k]-draws/9)) > 480 || abs(float32(dx[k]-draws/9)) > 480 {
			t.Errorf("offset %d was drawn %d and %d times of %d", k, dy[k], dx[k], draws)
		}
	}
	if abs(float32(flips-draws/2)) > 750 {
		t.Errorf("%d flips of %d", flips, draws)
	}
}
