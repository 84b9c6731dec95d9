package rng

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The philox4x32 lines with 10 rounds of kat_vectors in the Random123 distribution: zeros, ones, digits of pi.
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
			[2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		key := uint64(c.key[0]) | uint64(c.key[1])<<32
		if got := Philox(key, c.counter); got != c.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.key, c.counter, got, c.want)
		}
	}
}

func TestStreamReadsCountersInOrder(t *testing.T) {
	s := New(42, Split, 7, 9)
	for i := range uint32(5) {
		for j, want := range Philox(42, [4]uint32{i, 7, 9, uint32(Split)}) {
			if got := s.Uint32(); got != want {
				t.Fatalf("word %d of block %d = %x, want %x", j, i, got, want)
			}
		}
	}
}

func TestUint64AndFloat64TakeTheLowWordFirst(t *testing.T) {
	b := Philox(1, [4]uint32{0, 2, 3, uint32(Init)})
	want := uint64(b[0]) | uint64(b[1])<<32
	if got := New(1, Init, 2, 3).Uint64(); got != want {
		t.Errorf("Uint64 = %x, want %x", got, want)
	}
	if got := New(1, Init, 2, 3).Float64(); got != float64(want>>11)/(1<<53) {
		t.Errorf("Float64 = %v", got)
	}
}

func TestPurposesAreDistinct(t *testing.T) {
	all := []Purpose{Init, Permutation, Crop, Split, Synthetic, Validation, Bench, Resample, Records, Buffer, Mix, TestPart}
	for i, p := range all {
		if int(p) != i+1 {
			t.Errorf("purpose %d has number %d: the meaning of every seed changed", i, p)
		}
	}
}

func TestPermIsAPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 500).Draw(t, "n")
		p := New(rapid.Uint64().Draw(t, "seed"), Permutation, rapid.Uint32().Draw(t, "a"), 0).Perm(n)
		slices.Sort(p)
		for i, v := range p {
			if v != int32(i) {
				t.Fatalf("sorted permutation has %d at %d", v, i)
			}
		}
	})
}

func TestIntnStaysInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(1, 1000), rapid.IntRange(math.MaxUint32-3, math.MaxUint32+3), rapid.IntRange(1, math.MaxInt)).Draw(t, "n")
		s := New(rapid.Uint64().Draw(t, "seed"), Bench, 0, 0)
		for range 10 {
			if v := s.Intn(n); v < 0 || v >= n {
				t.Fatalf("Intn(%d) = %d", n, v)
			}
		}
	})
}

// With n = 3 * 2^30 a multiply-high alone would give every multiple of 3 two words and every other number one.
func TestIntnIsUnbiasedWhereRejectionMatters(t *testing.T) {
	const n, draws = 3 << 30, 200_000
	s := New(5, Bench, 0, 0)
	var third [3]int
	for range draws {
		third[s.Intn(n)%3]++
	}
	for i, k := range third {
		if got := float64(k) / draws; math.Abs(got-1.0/3) > 0.006 {
			t.Errorf("residue %d drawn with frequency %.4f, want 1/3", i, got)
		}
	}
}

func TestIntnPanicsBelowOne(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Intn(0) did not panic")
		}
	}()
	New(0, Init, 0, 0).Intn(0)
}

func TestMoments(t *testing.T) {
	const draws = 400_000
	s := New(3, Init, 0, 0)
	var u, n, n2, n4 float64
	for range draws {
		u += s.Float64()
		z := s.Norm()
		n, n2, n4 = n+z, n2+z*z, n4+z*z*z*z
	}
	for _, c := range []struct {
		name             string
		got, want, bound float64 // bound: five standard errors
	}{
		{"mean of Float64", u / draws, 0.5, 5 * 0.2887 / math.Sqrt(draws)},
		{"mean of Norm", n / draws, 0, 5 / math.Sqrt(draws)},
		{"variance of Norm", n2 / draws, 1, 5 * math.Sqrt(2.0/draws)},
		{"fourth moment of Norm", n4 / draws, 3, 5 * math.Sqrt(96.0/draws)},
	} {
		if math.Abs(c.got-c.want) > c.bound {
			t.Errorf("%s = %.5f, want %.5f within %.5f", c.name, c.got, c.want, c.bound)
		}
	}
}

// Every place takes every value equally often: 5! orders, chi-squared with 119 degrees of freedom.
func TestPermIsUniform(t *testing.T) {
	const draws = 60_000
	seen := map[[5]int32]int{}
	for i := range uint32(draws) {
		seen[[5]int32(New(9, Permutation, i, 0).Perm(5))]++
	}
	chi := 0.0
	for _, k := range seen {
		d := float64(k) - draws/120.0
		chi += d * d / (draws / 120.0)
	}
	if len(seen) != 120 || chi > 200 {
		t.Errorf("%d of 120 orders seen, chi-squared %.1f, want below 200", len(seen), chi)
	}
}

func BenchmarkPhilox(b *testing.B) {
	var c [4]uint32
	for b.Loop() {
		c = Philox(1, c)
	}
}
