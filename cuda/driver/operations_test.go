//go:build gpu

package driver_test

import (
	"math"
	"slices"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels/testkernels"
)

func TestWarpOperations(t *testing.T) {
	c, s := cudatest.Open(t)
	out := cudatest.Alloc[float32](t, s, 11*32)
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "warp_operations").Launch(s, driver.D1(1), driver.D1(32), 0, out))
	got := cudatest.Download[float32](t, s, out, 11*32)
	for row, want := range []func(l int) int{
		func(int) int { return 5 },
		func(l int) int { return l ^ 3 },
		func(l int) int { return map[bool]int{true: l + 4, false: l}[l < 28] },
		func(l int) int { return map[bool]int{true: l - 4, false: l}[l >= 4] },
		func(int) int { return 1 },
		func(int) int { return 496 },
		func(int) int { return 0 },
		func(int) int { return -5 },
		func(l int) int { return -(l ^ 3) },
		func(l int) int { return map[bool]int{true: -(l + 4), false: -l}[l < 28] },
		func(l int) int { return map[bool]int{true: -(l - 4), false: -l}[l >= 4] },
	} {
		for l := range 32 {
			if got[row*32+l] != float32(want(l)) {
				t.Errorf("operation %d, lane %d: %g, want %d", row, l, got[row*32+l], want(l))
			}
		}
	}
}

// Bits from IEEE 754 by hand: ties go to even, the largest finite values stay, what rounds beyond becomes infinite.
func TestConversionsRoundToNearestEven(t *testing.T) {
	c, s := cudatest.Open(t)
	inf := float32(math.Inf(1))
	cases := []struct {
		x            float32
		half, bfloat uint16
		halfValue    float32
		bfloatValue  float32
	}{
		{0, 0, 0, 0, 0},
		{float32(math.Copysign(0, -1)), 0x8000, 0x8000, 0, 0},
		{1, 0x3c00, 0x3f80, 1, 1},
		{-2.5, 0xc100, 0xc020, -2.5, -2.5},
		{1 + 1.0/2048, 0x3c00, 0x3f80, 1, 1},                                                               // a tie of fp16: to even, down
		{1 + 3.0/2048, 0x3c02, 0x3f80, 1 + 2.0/1024, 1},                                                    // a tie of fp16: to even, up
		{1 + 1.0/256, 0x3c04, 0x3f80, 1 + 1.0/256, 1},                                                      // a tie of bfloat16, down
		{1 + 3.0/256, 0x3c0c, 0x3f82, 1 + 3.0/256, 1 + 2.0/128},                                            // a tie of bfloat16, up
		{65504, 0x7bff, 0x4780, 65504, 65536},                                                              // the largest fp16
		{65520, 0x7c00, 0x4780, inf, 65536},                                                                // the first that rounds to infinity
		{float32(math.Ldexp(1, -24)), 1, 0x3380, float32(math.Ldexp(1, -24)), float32(math.Ldexp(1, -24))}, // the smallest fp16
		{float32(math.Ldexp(1, -25)), 0, 0x3300, 0, float32(math.Ldexp(1, -25))},                           // a tie with zero
		{math.MaxFloat32, 0x7c00, 0x7f80, inf, inf},
		{inf, 0x7c00, 0x7f80, inf, inf},
	}
	x := make([]float32, len(cases))
	for i, e := range cases {
		x[i] = e.x
	}
	n := len(x)
	halves, bfloats, back := cudatest.Alloc[uint16](t, s, n), cudatest.Alloc[uint16](t, s, n), cudatest.Alloc[float32](t, s, 2*n)
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "convert").Launch(s, driver.D1(1), driver.D1(32), 0, int32(n), cudatest.Upload(t, s, x), halves, bfloats, back))
	h, b, v := cudatest.Download[uint16](t, s, halves, n), cudatest.Download[uint16](t, s, bfloats, n), cudatest.Download[float32](t, s, back, 2*n)
	for i, e := range cases {
		if h[i] != e.half || b[i] != e.bfloat || v[i] != e.halfValue || v[n+i] != e.bfloatValue {
			t.Errorf("%g: half %#04x = %g, bfloat16 %#04x = %g; want %#04x = %g, %#04x = %g", e.x, h[i], v[i], b[i], v[n+i], e.half, e.halfValue, e.bfloat, e.bfloatValue)
		}
	}
}

func TestIntegerAtomics(t *testing.T) {
	c, s := cudatest.Open(t)
	signed := cudatest.Upload(t, s, []int32{0, -1000})
	counters := cudatest.Upload(t, s, make([]uint32, 5))
	wide := cudatest.Upload(t, s, []uint64{3})
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "atomics").Launch(s, driver.D1(5), driver.D1(96), 0, signed, counters, wide))
	if got, want := cudatest.Download[int32](t, s, signed, 2), []int32{-480, -5}; !slices.Equal(got, want) {
		t.Errorf("signed %v, want %v", got, want)
	}
	if got, want := cudatest.Download[uint32](t, s, counters, 5), []uint32{480, 479, 0xffffffff, 7, 9}; !slices.Equal(got, want) {
		t.Errorf("unsigned %v, want %v", got, want)
	}
	if got := cudatest.Download[uint64](t, s, wide, 1)[0]; got != 480<<32+3 {
		t.Errorf("64 bits %#x", got)
	}
}

func TestFunctions(t *testing.T) {
	c, s := cudatest.Open(t)
	x := []float32{0.5, 1, 1.5, 2.5, 3.25, 10, 0.001}
	n := len(x)
	out := cudatest.Alloc[float32](t, s, 6*n)
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "functions").Launch(s, driver.D1(1), driver.D1(32), 0, int32(n), cudatest.Upload(t, s, x), out))
	var want []float64
	for _, f := range []func(float64) float64{math.Exp2, math.Log2, func(x float64) float64 { return 1 / math.Sqrt(x) }, func(x float64) float64 { return 1 / x }, math.Sqrt, math.RoundToEven} {
		for _, v := range x {
			want = append(want, f(float64(v)))
		}
	}
	near(t, cudatest.Download[float32](t, s, out, 6*n), want, 4e-7) // about 3 units of fp32's last place
}

func TestAsynchronousCopies(t *testing.T) {
	c, s := cudatest.Open(t)
	in := make([]float32, 64)
	for i := range in {
		in[i] = float32(i + 1)
	}
	out := cudatest.Alloc[float32](t, s, 5*32)
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "copy_sizes").Launch(s, driver.D1(1), driver.D1(32), 0, cudatest.Upload(t, s, in), out))
	got := cudatest.Download[float32](t, s, out, 5*32)
	for l := range 32 {
		for row, want := range []int{l + 1, 2*l + 1, 2*l + 2, l + 1, 0} {
			if got[row*32+l] != float32(want) {
				t.Errorf("row %d, lane %d: %g, want %d", row, l, got[row*32+l], want)
			}
		}
	}
}

func TestProductsAndFreshLoads(t *testing.T) {
	c, s := cudatest.Open(t)
	x := make([]uint32, 32)
	for i := range x {
		x[i] = uint32(i) * 0x9e3779b9
	}
	high, out := cudatest.Alloc[uint32](t, s, 32), cudatest.Alloc[float32](t, s, 4)
	in := []float32{1, 2, 3, 4}
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "products").Launch(s, driver.D1(1), driver.D1(32), 0, cudatest.Upload(t, s, x), high, cudatest.Upload(t, s, in), out))
	for i, got := range cudatest.Download[uint32](t, s, high, 32) {
		if want := uint32(uint64(x[i]) * 0xd2511f53 >> 32); got != want {
			t.Errorf("[%d] is %#x, want %#x", i, got, want)
		}
	}
	if got := cudatest.Download[float32](t, s, out, 4); !slices.Equal(got, in) {
		t.Errorf("%v, want %v", got, in)
	}
}
