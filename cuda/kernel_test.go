//go:build gpu

package cuda

import (
	"math"
	"math/rand/v2"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels"
)

// bench holds what a test of one kernel needs: buffers are allocated one by one, so that the emulator sees every stray access.
type bench struct {
	t      *testing.T
	stream *driver.Stream
	r      *rand.Rand
}

func newBench(t *testing.T, seed uint64) *bench {
	_, s := cudatest.Open(t)
	return &bench{t, s, rand.New(rand.NewPCG(seed, 2))}
}

func (b *bench) run(file, kernel string, grid driver.Dim, threads, shared int, arguments ...any) {
	b.t.Helper()
	text, ok := kernels.PTX(file)
	if !ok {
		b.t.Fatalf("no PTX of %s", file)
	}
	f := cudatest.Kernel(b.t, b.stream.Context(), text, kernel)
	if err := f.Launch(b.stream, grid, driver.D1(threads), shared, arguments...); err != nil {
		b.t.Fatal(err)
	}
	if err := b.stream.Synchronize(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) floats(v []float32) driver.Ptr { return cudatest.Upload(b.t, b.stream, v) }
func (b *bench) room(n int) driver.Ptr         { return cudatest.Alloc[float32](b.t, b.stream, n) }
func (b *bench) read(p driver.Ptr, n int) []float32 {
	return cudatest.Download[float32](b.t, b.stream, p, n)
}
func (b *bench) zeros(n int) driver.Ptr { return cudatest.Upload(b.t, b.stream, make([]uint32, n)) }

// image is a tensor [N, H, W, C] on both sides.
type image struct {
	n, h, w, c int
	v          []float32
	at         driver.Ptr
}

func (i *image) index(n, y, x, c int) int { return ((n*i.h+y)*i.w+x)*i.c + c }

func (b *bench) image(n, h, w, c int) *image {
	i := &image{n: n, h: h, w: w, c: c, v: b.normal(n * h * w * c)}
	i.at = b.floats(i.v)
	return i
}

// normal are random numbers around 0.3.
func (b *bench) normal(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(b.r.NormFloat64() + 0.3)
	}
	return v
}

// norm is a batch norm of an image: its coefficients on both sides.
type norm struct {
	moments, gamma, beta, sums         []float32
	momentsAt, gammaAt, betaAt, sumsAt driver.Ptr
}

const eps = 1e-3

func (b *bench) norm(c int) *norm {
	n := &norm{moments: b.normal(2 * c), gamma: b.normal(c), beta: b.normal(c), sums: b.normal(2 * c)}
	for i := range c {
		n.moments[c+i] = float32(0.5 + b.r.Float64())
	}
	n.momentsAt, n.gammaAt, n.betaAt, n.sumsAt = b.floats(n.moments), b.floats(n.gamma), b.floats(n.beta), b.floats(n.sums)
	return n
}

func (n *norm) apply(x float32, c int) float64 {
	return n.xhat(x, c)*float64(n.gamma[c]) + float64(n.beta[c])
}

func (n *norm) xhat(x float32, c int) float64 {
	return (float64(x) - float64(n.moments[c])) / math.Sqrt(float64(n.moments[len(n.gamma)+c])+eps)
}

func (n *norm) term(x *image, kind termKind) termArgument {
	return termArgument{X: x.at, Moments: n.momentsAt, Gamma: n.gammaAt, Beta: n.betaAt, Sums: n.sumsAt, Eps: eps, Kind: kind}
}

// formula is a source on the host: the value at a place, in float64.
type formula func(n, y, x, c int) float64

func (i *image) formula() formula {
	return func(n, y, x, c int) float64 { return float64(i.v[i.index(n, y, x, c)]) }
}

// evaluate is a formula over a whole tensor.
func (f formula) evaluate(n, h, w, c int) []float64 {
	var all []float64
	for a := range n {
		for y := range h {
			for x := range w {
				for k := range c {
					all = append(all, f(a, y, x, k))
				}
			}
		}
	}
	return all
}

// compareDouble compares with float64: at most `roundings` times 2^-24 of the largest wanted number.
func compareDouble(t *testing.T, name string, got []float32, want []float64, roundings float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", name, len(got), len(want))
	}
	unit := 0.0
	for _, v := range want {
		unit = max(unit, 0x1p-24*math.Abs(v))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= roundings*unit) {
			t.Errorf("%s[%d] is %v, want %v: off by %.1f roundings of the largest", name, i, got[i], want[i], d/unit)
			return
		}
	}
}
