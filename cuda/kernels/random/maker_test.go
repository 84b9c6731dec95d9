//go:build gpu

package random_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels"
	"longtail/cuda/lower"
)

// maker draws arguments; storage is fp32 or fp16 of the same values, which both represent.
type maker struct {
	t      *testing.T
	s      *driver.Stream
	r      *rand.Rand
	half   bool
	images int

	functions map[string]*driver.Function // by name
}

func newMaker(t *testing.T, seed, stream uint64, half bool) *maker {
	_, s := cudatest.Open(t)
	return &maker{t, s, rand.New(rand.NewPCG(seed, stream)), half, images, map[string]*driver.Function{}}
}

func (m *maker) values(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(m.r.IntN(257)-128) / 64
	}
	return v
}

// uniform are n values of all 24 bits between -2 and 2.
func (m *maker) uniform(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = m.r.Float32()*4 - 2
	}
	return v
}

func (m *maker) upload(v []float32) lower.Ref { return absolute(cudatest.Upload(m.t, m.s, v)) }

func (m *maker) floats(n int) lower.Ref { return m.upload(m.uniform(n)) }

// mixed are values of fp16 whose sums lie near the middle between two values of fp16: coarse ones, half steps, and ones that an fp32 sum cannot
// keep in full. So a rounding of fp32 shows behind that to fp16.
func (m *maker) mixed(n int) []float32 {
	v := m.values(n)
	for i := range v {
		sign := float64(1 - 2*m.r.IntN(2))
		switch m.r.IntN(4) {
		case 0:
			v[i] = float32(math.Ldexp(sign, -9-m.r.IntN(3)))
		case 1:
			v[i] = float32(math.Ldexp(sign*float64(1024+m.r.IntN(1024)), -24))
		}
	}
	return v
}

// squares are n positive values.
func (m *maker) squares(n int) []float32 {
	v := m.values(n)
	for i := range v {
		v[i] = v[i]*v[i] + 0.5
	}
	return v
}

func (m *maker) positive(n int) lower.Ref { return m.upload(m.squares(n)) }

// stored are n values in the storage type.
func (m *maker) stored(n int) lower.Ref { return m.store(m.mixed(n)) }

// store uploads values that both storage types have.
func (m *maker) store(v []float32) lower.Ref {
	if !m.half {
		return m.upload(v)
	}
	bits := make([]uint16, len(v))
	for i, x := range v {
		b := math.Float32bits(x)
		switch bits[i] = uint16(b >> 16 & 0x8000); {
		case b&0x7fffffff >= 113<<23:
			bits[i] |= uint16((b&0x7fffffff)>>13 - 112<<10)
		default: // a multiple of 2^-24
			bits[i] |= uint16(math.Ldexp(math.Abs(float64(x)), 24))
		}
	}
	return absolute(cudatest.Upload(m.t, m.s, bits))
}

// suffix of kernels by the storage type.
func (m *maker) suffix() string {
	if m.half {
		return "_f16"
	}
	return "_f32"
}

// floatRoom and readFloats are room and read of what is in fp32 whatever the storage type.
func (m *maker) floatRoom(n int) lower.Ref { return absolute(cudatest.Alloc[float32](m.t, m.s, n)) }

func (m *maker) readFloats(p lower.Ref, n int) []float32 {
	return cudatest.Download[float32](m.t, m.s, driver.Ptr(p.Offset), n)
}

func (m *maker) room(n int) lower.Ref {
	if m.half {
		return absolute(cudatest.Alloc[uint16](m.t, m.s, n))
	}
	return absolute(cudatest.Alloc[float32](m.t, m.s, n))
}

func (m *maker) read(p lower.Ref, n int) []float32 {
	if !m.half {
		return cudatest.Download[float32](m.t, m.s, driver.Ptr(p.Offset), n)
	}
	v := make([]float32, n)
	for i, h := range cudatest.Download[uint16](m.t, m.s, driver.Ptr(p.Offset), n) {
		exponent, fraction := int(h>>10&31), float64(h&1023)
		switch exponent {
		case 31:
			v[i] = float32(math.NaN())
		case 0:
			v[i] = float32(math.Ldexp(fraction, -24))
		default:
			v[i] = float32(math.Ldexp(1024+fraction, exponent-25))
		}
		if h>>15 == 1 {
			v[i] = -v[i]
		}
	}
	return v
}

// factor is neither a power of two nor a short number: what it multiplies is rounded.
func (m *maker) factor() float32 { return 0.5 + m.r.Float32()/4 }

// term is of a kind, for a source of h x w pixels and c channels; where its tensor has other channels: how many, and the place of the first one.
func (m *maker) term(kind lower.TermKind, h, w, c, depth, before int) lower.Term {
	t := lower.Term{Kind: kind, Eps: 1e-3, Count: float32(m.images * h * w), Scale: m.factor(), Depth: int32(depth), Before: int32(before)}
	pixels := m.images * h * w
	switch kind {
	case lower.TermNone:
		return lower.Term{}
	case lower.TermNorm, lower.TermNormReLU:
		m.aroundZero(&t, pixels, c)
	case lower.TermNormGradient:
		t.Moments, t.Gamma, t.Beta, t.G, t.Sums = m.positive(2*c), m.floats(c), m.floats(c), m.stored(pixels*c), m.floats(2*c)
		t.X = m.stored(pixels * c)
	case lower.TermPool, lower.TermSubsample:
		t.X = m.windows(2*h, 2*w, depth)
	case lower.TermPoolGradient, lower.TermSubsampleGradient:
		t.X = m.stored(pixels / 4 * depth)
	case lower.TermAverageGradient:
		t.X = m.floats(m.images * c)
	default:
		t.X = m.stored(pixels * c)
	}
	return t
}

// aroundZero draws a normalised tensor, many elements of which are 0 but for rounding: then a mask follows the last bit of the coefficients. In every
// third channel they are 0, which a mask leaves out.
func (m *maker) aroundZero(t *lower.Term, pixels, c int) {
	moments, gamma, beta, x := m.squares(2*c), m.uniform(c), make([]float32, c), m.mixed(pixels*c)
	for i := range c {
		zero := m.values(1)[0]
		if i%3 == 0 {
			moments[i], zero = 1, 1
		}
		beta[i] = float32((float64(moments[i]) - float64(zero)) * float64(gamma[i]) / math.Sqrt(float64(moments[c+i])+float64(t.Eps)))
		for p := range pixels {
			if m.r.IntN(3) == 0 {
				x[p*c+i] = zero
			}
		}
	}
	t.Moments, t.Gamma, t.Beta, t.X = m.upload(moments), m.upload(gamma), m.upload(beta), m.store(x)
}

// windows are values of [images, h, w, c] whose sums over windows of 2x2 are often 0 but for rounding: a large value and its negative, and a small
// one that a sum with one of them cannot keep.
func (m *maker) windows(h, w, c int) lower.Ref {
	x := m.mixed(m.images * h * w * c)
	for i := range x {
		row, column := i/c/w%h, i/c%w
		if row%2 == 1 || column%2 == 1 || m.r.IntN(3) > 0 {
			continue
		}
		large, small := float32(2+m.r.IntN(2)), float32(math.Ldexp(float64(m.r.IntN(16)-8), -24))
		window := [4]float32{large, small, -large, 0}
		if m.r.IntN(2) == 0 {
			window = [4]float32{large, 0, -large, small}
		}
		x[i], x[i+c], x[i+w*c], x[i+w*c+c] = window[0], window[1], window[2], window[3]
	}
	return m.store(x)
}

func (m *maker) source(first, second, mask lower.TermKind, relu bool, h, w, c int) lower.Source {
	term := func(kind lower.TermKind) lower.Term {
		depth := c - 8
		if kind == lower.TermPoolGradient || kind == lower.TermSubsampleGradient {
			depth = 2 * c
		}
		return m.term(kind, h, w, c, depth, 4)
	}
	s := lower.Source{First: term(first), Second: term(second), Mask: term(mask), Height: int32(h), Width: int32(w), Channels: int32(c)}
	if relu {
		s.ReLU = 1
	}
	return s
}

func absolute(p driver.Ptr) lower.Ref { return lower.Ref{Offset: int64(p)} }

func address(r lower.Ref) uint64 { return uint64(r.Offset) }

// table uploads what kernels read through a pointer, packed as their structures are.
func (m *maker) table(content ...any) lower.Ref {
	m.t.Helper()
	packed, err := lower.Pack(address, content...)
	if err != nil {
		m.t.Fatal(err)
	}
	return absolute(cudatest.Upload(m.t, m.s, packed))
}

// launch runs a kernel on parameters whose references are absolute.
func (m *maker) launch(l lower.Launch, arguments any) {
	m.t.Helper()
	if err := m.try(l, arguments); err != nil {
		m.t.Fatal(err)
	}
}

func (m *maker) try(l lower.Launch, arguments any) error {
	ptx, ok := kernels.PTX(l.Module)
	if !ok {
		m.t.Fatal("no module ", l.Module)
	}
	f := m.functions[l.Kernel]
	if f == nil {
		f = cudatest.Kernel(m.t, m.s.Context(), ptx, l.Kernel)
		m.functions[l.Kernel] = f
	}
	if err := f.AllowShared(l.Shared); err != nil {
		return err
	}
	l.Arguments = arguments
	packed, err := lower.Pack(address, l.Parameters()...)
	if err != nil {
		return err
	}
	return f.LaunchPacked(m.s, driver.Dim(l.Grid), driver.D1(l.Threads), l.Shared, packed)
}

// near compares the results in fp16 with those in fp32: rounding moves them, and a mask or ReLU may decide otherwise for a few.
func near(t *testing.T, half, single []float32) {
	t.Helper()
	off := 0
	for i := range single {
		if half[i] != half[i] || single[i] != single[i] {
			t.Fatalf("element %d was not written: %v and %v", i, half[i], single[i])
		}
		if math.Abs(float64(half[i]-single[i])) > 0.03*(1+math.Abs(float64(single[i]))) {
			off++
		}
	}
	if off > len(single)/50 {
		t.Errorf("%d of %d elements differ between fp16 and fp32", off, len(single))
	}
}
