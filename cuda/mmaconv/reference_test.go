//go:build gpu

package mmaconv

import (
	"math"
	"math/rand/v2"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/lower"
)

// ---- fp16 ----

// halfBits rounds to the nearest fp16, ties to even.
func halfBits(x float64) uint16 {
	var sign uint16
	if math.Signbit(x) {
		sign, x = 0x8000, -x
	}
	switch {
	case x == 0:
		return sign
	case x < 0x1p-14:
		return sign | uint16(math.RoundToEven(x*0x1p24))
	}
	exponent := math.Ilogb(x)
	mantissa := math.RoundToEven(math.Ldexp(x, 10-exponent)) // 1024 to 2048
	if bits := float64(exponent+14)*1024 + mantissa; bits < 0x7c00 {
		return sign | uint16(bits)
	}
	return sign | 0x7c00
}

func halfValue(h uint16) float64 {
	exponent, mantissa := int(h>>10&31), float64(h&1023)
	v := math.Ldexp(mantissa, -24)
	if exponent > 0 {
		v = math.Ldexp(1024+mantissa, exponent-25)
	}
	if h&0x8000 != 0 {
		return -v
	}
	return v
}

func rounded(x float64) float64 { return halfValue(halfBits(x)) }

// ---- tensors ----

// tensor is [n, side, side, c], its values fp16.
type tensor struct {
	n, side, c int
	v          []float64
}

func newTensor(n, side, c int) tensor { return tensor{n, side, c, make([]float64, n*side*side*c)} }

func (t tensor) index(n, y, x, c int) int  { return ((n*t.side+y)*t.side+x)*t.c + c }
func (t tensor) at(n, y, x, c int) float64 { return t.v[t.index(n, y, x, c)] }
func (t tensor) each(f func(n, y, x, c int, i int)) {
	for i := range t.v {
		f(i/t.c/t.side/t.side, i/t.c/t.side%t.side, i/t.c%t.side, i%t.c, i)
	}
}

// bench is a device, its kernels and a source of numbers.
type bench struct {
	t *testing.T
	c *driver.Context
	s *driver.Stream
	r *rand.Rand

	loaded map[string]*driver.Function
}

func newBench(t *testing.T, seed uint64) *bench {
	c, s := cudatest.Open(t)
	return &bench{t, c, s, rand.New(rand.NewPCG(seed, 16)), map[string]*driver.Function{}}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// random is a tensor of normal values with a deviation.
func (b *bench) random(n, side, c int, deviation float64) tensor {
	x := newTensor(n, side, c)
	for i := range x.v {
		x.v[i] = rounded(b.r.NormFloat64() * deviation)
	}
	return x
}

func (b *bench) upload(x []float64) lower.Ref {
	bits := make([]uint16, len(x))
	for i, v := range x {
		bits[i] = halfBits(v)
	}
	return uploaded(b, bits)
}

func (b *bench) download(p lower.Ref, like tensor) tensor {
	y := newTensor(like.n, like.side, like.c)
	for i, h := range download[uint16](b, p, len(y.v)) {
		y.v[i] = halfValue(h)
	}
	return y
}

// ---- terms: what the device gets, and the values that it should find there ----

type term struct {
	lower.Term
	value func(n, y, x, c int) float64
}

var none = term{value: func(int, int, int, int) float64 { return 0 }}

func (b *bench) tensorTerm(x tensor) term {
	return term{lower.Term{Kind: lower.TermTensor, X: b.upload(x.v)}, x.at}
}

const eps = 1e-5

// batchNorm is a batch norm's moments and parameters.
type batchNorm struct {
	moments, gamma, beta []float32
	lower.Term           // with the pointers
}

func (b *bench) batchNorm(c int) batchNorm {
	n := batchNorm{moments: make([]float32, 2*c), gamma: make([]float32, c), beta: make([]float32, c)}
	for i := range c {
		n.moments[i] = float32(b.r.NormFloat64() * 0.2)
		n.moments[c+i] = float32(0.5 + b.r.Float64())
		n.gamma[i] = float32(1 + b.r.NormFloat64()*0.2)
		n.beta[i] = float32(b.r.NormFloat64() * 0.3)
	}
	n.Term = lower.Term{Eps: eps, Moments: uploaded(b, n.moments), Gamma: uploaded(b, n.gamma), Beta: uploaded(b, n.beta)}
	return n
}

func (n batchNorm) inverse(c int) float64 {
	return 1 / math.Sqrt(float64(n.moments[len(n.gamma)+c])+eps)
}
func (n batchNorm) hat(x float64, c int) float64 {
	return (x - float64(n.moments[c])) * n.inverse(c)
}

// normTerm is a batch norm of x.
func (b *bench) normTerm(kind lower.TermKind, x tensor) term {
	n := b.batchNorm(x.c)
	n.Kind, n.X = kind, b.upload(x.v)
	return term{n.Term, func(i, y, xx, c int) float64 {
		v := n.hat(x.at(i, y, xx, c), c)*float64(n.gamma[c]) + float64(n.beta[c])
		if kind == lower.TermNormReLU {
			v = max(v, 0)
		}
		return v
	}}
}

// normGradient is the gradient of a batch norm's x, from random g.
func (b *bench) normGradient(x tensor) term {
	n, g := b.batchNorm(x.c), b.random(x.n, x.side, x.c, 1)
	count := float64(x.n * x.side * x.side)
	const lossScale = 64 // g is this much larger than what its sums say
	sums := make([]float32, 2*x.c)
	g.each(func(_, _, _, c, i int) {
		sums[c] += float32(g.v[i] / lossScale)
		sums[x.c+c] += float32(g.v[i] * n.hat(x.v[i], c) / lossScale)
	})
	t := n.Term
	t.Kind, t.X, t.G, t.Sums, t.Count, t.Scale = lower.TermNormGradient, b.upload(x.v), b.upload(g.v), uploaded(b, sums), float32(count), lossScale
	return term{t, func(i, y, xx, c int) float64 {
		d := g.at(i, y, xx, c) - float64(sums[c])*lossScale/count - n.hat(x.at(i, y, xx, c), c)*float64(sums[x.c+c])*lossScale/count
		return float64(n.gamma[c]) * n.inverse(c) * d
	}}
}

// halvedTerm is a shortcut to c channels from x of twice the side.
func (b *bench) halvedTerm(kind lower.TermKind, x tensor, c int) term {
	before := (c - x.c) / 2
	return term{lower.Term{Kind: kind, X: b.upload(x.v), Depth: int32(x.c), Before: int32(before)}, func(n, y, xx, c int) float64 {
		if c -= before; c < 0 || c >= x.c {
			return 0
		}
		if kind == lower.TermSubsample {
			return x.at(n, 2*y, 2*xx, c)
		}
		return (x.at(n, 2*y, 2*xx, c) + x.at(n, 2*y, 2*xx+1, c) + x.at(n, 2*y+1, 2*xx, c) + x.at(n, 2*y+1, 2*xx+1, c)) / 4
	}}
}

// halvedGradient is the gradient of such a shortcut's input of c channels, from g of half the side.
func (b *bench) halvedGradient(kind lower.TermKind, g tensor, c int) term {
	before := (g.c - c) / 2
	return term{lower.Term{Kind: kind, X: b.upload(g.v), Depth: int32(g.c), Before: int32(before)}, func(n, y, x, c int) float64 {
		if kind == lower.TermSubsampleGradient && (y%2 == 1 || x%2 == 1) {
			return 0
		}
		v := g.at(n, y/2, x/2, c+before)
		if kind == lower.TermPoolGradient {
			v /= 4
		}
		return v
	}}
}

// ---- convolutions in float64 ----

// result holds sums of products, and the root of the sum of their squares: how much the rounding of operands can matter.
type result struct{ sum, size []float64 }

// convolve adds up what visit tells of: products of fp16 operands for the result's element at.
func convolve(elements int, visit func(add func(at int, product float64))) result {
	r := result{make([]float64, elements), make([]float64, elements)}
	visit(func(at int, p float64) {
		r.sum[at] += p
		r.size[at] += p * p
	})
	for i, v := range r.size {
		r.size[i] = math.Sqrt(v)
	}
	return r
}

// products calls f for every product of the convolution: indices into x [n, Side, Side, In], y [n, ResultSide, ResultSide, Out] and
// w [taps, In, Out].
func products(s lower.MMAShape, n int, f func(x, y, w int)) {
	side, pad := s.ResultSide(), s.Window/2
	for pixel := range n * side * side {
		for tap := range s.Window * s.Window {
			iy, ix := pixel/side%side*s.Stride+tap/s.Window-pad, pixel%side*s.Stride+tap%s.Window-pad
			if iy < 0 || ix < 0 || iy >= s.Side || ix >= s.Side {
				continue
			}
			from := ((pixel/side/side*s.Side+iy)*s.Side + ix) * s.In
			for i := range s.In {
				for o := range s.Out {
					f(from+i, pixel*s.Out+o, (tap*s.In+i)*s.Out+o)
				}
			}
		}
	}
}

// evaluate is the source's values rounded as they reach the tensor cores.
func evaluate(n, side, c int, value func(n, y, x, c int) float64) tensor {
	t := newTensor(n, side, c)
	t.each(func(n, y, x, c, i int) { t.v[i] = rounded(value(n, y, x, c)) })
	return t
}

// fp16 keeps 11 bits: half a unit in the last place is this much of a value.
const rounding = 0x1p-11

// near compares with tolerance: twice fp16's rounding of the value and of the typical size of the sum before it, because the staged
// product is rounded and then the result, and because an operand that lies between two fp16 values may be rounded the other way.
func near(t *testing.T, what string, got, want, size []float64) {
	t.Helper()
	wrong := 0
	for i := range want {
		if tolerance := 2*rounding*(math.Abs(want[i])+size[i]) + 1e-6; !(math.Abs(got[i]-want[i]) <= tolerance) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: element %d of %d is %g, want %g within %g", what, i, len(want), got[i], want[i], tolerance)
			}
		}
	}
	if wrong > 5 {
		t.Errorf("%s: %d of %d elements are wrong", what, wrong, len(want))
	}
}
