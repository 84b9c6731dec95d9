//go:build gpu

package cuda

import (
	"math"
	"math/rand/v2"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels"
	"longtail/cuda/lower"
)

// bench holds what a test of one kernel needs: buffers are allocated one by one, so that the emulator sees every stray access.
type bench struct {
	t      *testing.T
	stream *driver.Stream
	r      *rand.Rand
	half   bool // activations are stored in fp16
}

func newBench(t *testing.T, seed uint64) *bench {
	_, s := cudatest.Open(t)
	return &bench{t: t, stream: s, r: rand.New(rand.NewPCG(seed, 2))}
}

func (b *bench) run(file, kernel string, grid driver.Dim, threads, shared int, arguments ...any) {
	b.t.Helper()
	text, ok := kernels.PTX(file)
	if !ok {
		b.t.Fatalf("no PTX of %s", file)
	}
	packed, err := lower.Pack(address, arguments...)
	if err != nil {
		b.t.Fatal(err)
	}
	f := cudatest.Kernel(b.t, b.stream.Context(), text, kernel)
	if err := f.LaunchPacked(b.stream, grid, driver.D1(threads), shared, packed); err != nil {
		b.t.Fatal(err)
	}
	if err := b.stream.Synchronize(); err != nil {
		b.t.Fatal(err)
	}
}

// address is that of an absolute reference.
func address(r lower.Ref) uint64 { return uint64(r.Offset) }

// upload copies values to a buffer of their size.
func uploaded[T driver.Plain](b *bench, values []T) lower.Ref {
	return absolute(cudatest.Upload(b.t, b.stream, values))
}

// downloaded copies n values from the device.
func downloaded[T driver.Plain](b *bench, from lower.Ref, n int) []T {
	return cudatest.Download[T](b.t, b.stream, driver.Ptr(from.Offset), n)
}

// table copies structs to a buffer of their size.
func (b *bench) table(content ...any) lower.Ref {
	packed, err := lower.Pack(address, content...)
	if err != nil {
		b.t.Fatal(err)
	}
	return uploaded(b, packed)
}

func (b *bench) floats(v []float32) lower.Ref { return uploaded(b, v) }
func (b *bench) room(n int) lower.Ref {
	return absolute(cudatest.Alloc[float32](b.t, b.stream, n))
}
func (b *bench) read(from lower.Ref, n int) []float32 { return downloaded[float32](b, from, n) }
func (b *bench) zeros(n int) lower.Ref                { return uploaded(b, make([]uint32, n)) }

// flag is a bool as kernels take it.
func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// image is a tensor [N, H, W, C] on both sides.
type image struct {
	n, h, w, c int
	v          []float32
	at         lower.Ref
}

func (i *image) index(n, y, x, c int) int { return ((n*i.h+y)*i.w+x)*i.c + c }

func (b *bench) image(n, h, w, c int) *image {
	i := &image{n: n, h: h, w: w, c: c, v: b.normal(n * h * w * c)}
	b.place(i)
	return i
}

// place uploads an image.
func (b *bench) place(i *image) { i.at = b.numbers(i.v) }

// numbers uploads numbers in the type of activations, to which it rounds them.
func (b *bench) numbers(v []float32) lower.Ref {
	if !b.half {
		return b.floats(v)
	}
	halves := make([]uint16, len(v))
	for i := range v {
		halves[i] = halfBits(v[i])
		v[i] = halfValue(halves[i])
	}
	return uploaded(b, halves)
}

// activation is room for n numbers of the type of activations.
func (b *bench) activation(n int) lower.Ref {
	if b.half {
		return absolute(cudatest.Alloc[uint16](b.t, b.stream, n))
	}
	return b.room(n)
}

// stored reads n numbers of the type of activations.
func (b *bench) stored(from lower.Ref, n int) []float32 {
	if !b.half {
		return b.read(from, n)
	}
	v := make([]float32, n)
	for i, bits := range downloaded[uint16](b, from, n) {
		v[i] = halfValue(bits)
	}
	return v
}

// suffix of kernels by the type of activations.
func (b *bench) suffix() string {
	if b.half {
		return "_f16"
	}
	return "_f32"
}

// halfValue is the value of fp16 bits.
func halfValue(bits uint16) float32 {
	exponent, mantissa := int(bits>>10&31), float64(bits&1023)
	v := math.Ldexp(mantissa, -24)
	switch {
	case exponent == 31 && mantissa != 0:
		v = math.NaN()
	case exponent == 31:
		v = math.Inf(1)
	case exponent > 0:
		v = math.Ldexp(1024+mantissa, exponent-25)
	}
	if bits&0x8000 != 0 {
		v = -v
	}
	return float32(v)
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
	momentsAt, gammaAt, betaAt, sumsAt lower.Ref
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

func (n *norm) term(x *image, kind lower.TermKind) lower.Term {
	return lower.Term{X: x.at, Moments: n.momentsAt, Gamma: n.gammaAt, Beta: n.betaAt, Sums: n.sumsAt, Eps: eps, Kind: kind}
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

// compareStored compares values of the type of activations: in fp16 each is rounded once more, to 11 bits.
func (b *bench) compareStored(name string, got []float32, want []float64) {
	b.t.Helper()
	if !b.half {
		compareDouble(b.t, name, got, want, 8)
		return
	}
	unit := 0.0
	for _, v := range want {
		unit = max(unit, 0x1p-24*math.Abs(v))
	}
	for i := range want {
		if tolerance := 0x1p-11*math.Abs(want[i]) + 9*unit + 0x1p-25; !(math.Abs(float64(got[i])-want[i]) <= tolerance) {
			b.t.Errorf("%s[%d] is %v, want %v within %.2g", name, i, got[i], want[i], tolerance)
			return
		}
	}
}
