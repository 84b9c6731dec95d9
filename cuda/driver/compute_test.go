//go:build gpu

package driver_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels/testkernels"
)

// near compares by the largest of absolute and relative difference, and names the first value that differs.
func near(t *testing.T, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= tolerance*(1+math.Abs(want[i]))) {
			t.Fatalf("[%d] is %g, want %g", i, got[i], want[i])
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// small gives random multiples of 1/64 in [-1, 1), which both 16-bit formats hold exactly, as their bits and as float64.
func small(r *rand.Rand, n int, bf16 bool) (bits []uint16, values []float64) {
	for range n {
		v := float64(r.IntN(128)-64) / 64
		f := math.Float32bits(float32(v))
		b := uint16(f >> 16)
		if !bf16 && v != 0 {
			b = uint16(f>>31<<15 | (f>>23&255-112)<<10 | f>>13&1023)
		}
		bits, values = append(bits, b), append(values, v)
	}
	return bits, values
}

func TestSaxpy(t *testing.T) {
	c, s := cudatest.Open(t)
	const n = 1000
	r := rand.New(rand.NewPCG(1, 2))
	x, y, want := make([]float32, n), make([]float32, n), make([]float64, n)
	for i := range n {
		x[i], y[i] = r.Float32(), r.Float32()
		want[i] = float64(y[i]) + 2.5*float64(x[i])
	}
	dx, dy := cudatest.Upload(t, s, x), cudatest.Upload(t, s, y)
	check(t, cudatest.Kernel(t, c, testkernels.Basic, "saxpy").Launch(s, driver.D1(8), driver.D1(128), 0, int32(n), float32(2.5), dx, dy))
	near(t, cudatest.Download[float32](t, s, dy, n), want, 1e-6)
}

func TestLastBlockFinishesSum(t *testing.T) {
	c, s := cudatest.Open(t)
	r := rand.New(rand.NewPCG(3, 4))
	x, want := make([]float32, 10000), 0.0
	for i := range x {
		x[i] = r.Float32() - 0.5
		want += float64(x[i])
	}
	dx, parts := cudatest.Upload(t, s, x), cudatest.Alloc[float32](t, s, 7)
	ticket, sum := cudatest.Upload(t, s, []uint32{0}), cudatest.Alloc[float32](t, s, 1)
	f := cudatest.Kernel(t, c, testkernels.Basic, "block_sum")
	var first []float32
	for range 3 { // the last block sets the ticket back, so that a replay works; the bits are always the same
		check(t, f.Launch(s, driver.D1(7), driver.D1(256), 0, int32(len(x)), dx, parts, ticket, sum))
		got := cudatest.Download[float32](t, s, sum, 1)
		near(t, got, []float64{want}, 1e-4)
		if first == nil {
			first = got
		} else if got[0] != first[0] {
			t.Fatalf("a second launch gives %g, the first %g", got[0], first[0])
		}
	}
}

func TestMMAAgainstFloat64(t *testing.T) {
	c, s := cudatest.Open(t)
	r := rand.New(rand.NewPCG(5, 6))
	layout := cudatest.Kernel(t, c, testkernels.Basic, "mma_layout")
	parts := cudatest.Kernel(t, c, testkernels.Basic, "mma_parts")
	for _, test := range []struct {
		name string
		bf16 bool
		run  func(a, b, c, d driver.Ptr) error
	}{
		{"fp16", false, func(a, b, c, d driver.Ptr) error {
			return layout.Launch(s, driver.D1(1), driver.D1(32), 0, int32(0), a, b, c, d)
		}},
		{"bf16", true, func(a, b, c, d driver.Ptr) error {
			return layout.Launch(s, driver.D1(1), driver.D1(32), 0, int32(1), a, b, c, d)
		}},
		{"fp16, ldmatrix x2 and x1", false, func(a, b, c, d driver.Ptr) error {
			return parts.Launch(s, driver.D1(1), driver.D1(32), 0, a, b, c, d)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, av := small(r, 16*16, test.bf16)
			b, bv := small(r, 16*8, test.bf16)
			c, want := make([]float32, 16*8), make([]float64, 16*8)
			for i := range c {
				c[i] = r.Float32()
				want[i] = float64(c[i])
				for k := range 16 {
					want[i] += av[i/8*16+k] * bv[k*8+i%8]
				}
			}
			d := cudatest.Alloc[float32](t, s, 16*8)
			check(t, test.run(cudatest.Upload(t, s, a), cudatest.Upload(t, s, b), cudatest.Upload(t, s, c), d))
			near(t, cudatest.Download[float32](t, s, d, 16*8), want, 1e-6)
		})
	}
}

const (
	convSide, convChannels = 32, 16
	convShared             = (34*34 + 9*16) * 24 * 2 // bytes
)

// convolution is conv3x3 in float64: x [N, 32, 32, 16], w [9, 16, 16], result [N, 32, 32, 16].
func convolution(x, w []float64) []float64 {
	y := make([]float64, len(x))
	for i := range y {
		image, row, column, out := i/(convSide*convSide*convChannels), i/(convSide*convChannels)%convSide, i/convChannels%convSide, i%convChannels
		for tap := range 9 {
			r, c := row+tap/3-1, column+tap%3-1
			if r < 0 || r >= convSide || c < 0 || c >= convSide {
				continue
			}
			for in := range convChannels {
				y[i] += x[((image*convSide+r)*convSide+c)*convChannels+in] * w[(tap*convChannels+in)*convChannels+out]
			}
		}
	}
	return y
}

func TestConvolutionLaunchedAndReplayed(t *testing.T) {
	c, s := cudatest.Open(t)
	r := rand.New(rand.NewPCG(7, 8))
	const images = 3
	x, xv := small(r, images*convSide*convSide*convChannels, false)
	w, wv := small(r, 9*convChannels*convChannels, false)
	want := convolution(xv, wv)
	dx, dw, dy := cudatest.Upload(t, s, x), cudatest.Upload(t, s, w), cudatest.Alloc[float32](t, s, len(want))
	conv := cudatest.Kernel(t, c, testkernels.Conv3x3, "conv3x3")
	check(t, conv.AllowShared(convShared))
	run := func() error { return conv.Launch(s, driver.D1(images), driver.D1(256), convShared, dx, dw, dy) }
	check(t, run())
	direct := cudatest.Download[float32](t, s, dy, len(want))
	near(t, direct, want, 1e-5)

	check(t, s.Fill32(dy, 0, int64(len(want))))
	graph, err := s.Capture(run)
	check(t, err)
	if cudatest.Download[float32](t, s, dy, 1)[0] != 0 {
		t.Fatal("the capture ran the kernel")
	}
	if graph.Nodes() != 1 {
		t.Fatalf("%d nodes, want 1", graph.Nodes())
	}
	check(t, graph.Launch(s))
	if replayed := cudatest.Download[float32](t, s, dy, len(want)); !slices.Equal(direct, replayed) {
		t.Fatal("the replay differs from the launch")
	}
	check(t, graph.Close())
}

func TestStructParameter(t *testing.T) {
	c, s := cudatest.Open(t)
	in, out := cudatest.Upload(t, s, []float32{0, 1, 2, 3, 4, 5, 6, 7}), cudatest.Alloc[float32](t, s, 5)
	type scale struct {
		Factor float32
		Offset int32
		In     driver.Ptr
	}
	f := cudatest.Kernel(t, c, testkernels.Basic, "by_struct")
	check(t, f.Launch(s, driver.D1(1), driver.D1(32), 0, int32(5), scale{0.5, 3, in}, out))
	near(t, cudatest.Download[float32](t, s, out, 5), []float64{1.5, 2, 2.5, 3, 3.5}, 0)
}
