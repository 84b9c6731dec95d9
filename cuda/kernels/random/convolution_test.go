//go:build gpu

package random_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/cuda/kernels"
	"longtail/cuda/lower"
)

func TestMain(m *testing.M) { cudatest.Main(m) }

const (
	images        = 3      // of two blocks the one that arrives last is seen by more than the count
	height, width = 10, 12 // even: a term may be of half or twice the size
)

// maker draws arguments; storage is fp32 or fp16 of the same values, which both represent.
type maker struct {
	t    *testing.T
	s    *driver.Stream
	r    *rand.Rand
	half bool

	functions map[string]*driver.Function // by name
}

func newMaker(t *testing.T, seed, stream uint64, half bool) *maker {
	_, s := cudatest.Open(t)
	return &maker{t, s, rand.New(rand.NewPCG(seed, stream)), half, map[string]*driver.Function{}}
}

func (m *maker) values(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(m.r.IntN(257)-128) / 64
	}
	return v
}

// floats are n values of all 24 bits between -2 and 2.
func (m *maker) floats(n int) lower.Ref {
	v := make([]float32, n)
	for i := range v {
		v[i] = m.r.Float32()*4 - 2
	}
	return absolute(cudatest.Upload(m.t, m.s, v))
}

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

func (m *maker) positive(n int) lower.Ref {
	v := m.values(n)
	for i := range v {
		v[i] = v[i]*v[i] + 0.5
	}
	return absolute(cudatest.Upload(m.t, m.s, v))
}

// stored are n values in the storage type.
func (m *maker) stored(n int) lower.Ref {
	v := m.mixed(n)
	if !m.half {
		return absolute(cudatest.Upload(m.t, m.s, v))
	}
	bits := make([]uint16, n)
	for i, x := range v {
		b := math.Float32bits(x)
		if bits[i] = uint16(b >> 16 & 0x8000); x != 0 {
			bits[i] |= uint16((b&0x7fffffff)>>13 - 112<<10)
		}
	}
	return absolute(cudatest.Upload(m.t, m.s, bits))
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

// term is of a kind, for a source of h x w pixels and c channels.
func (m *maker) term(kind lower.TermKind, h, w, c int) lower.Term {
	t := lower.Term{Kind: kind, Eps: 1e-3, Count: float32(images * h * w), Scale: 0.5, Depth: int32(c - 8), Before: 4}
	size := images * h * w * c
	switch kind {
	case lower.TermNone:
		return lower.Term{}
	case lower.TermNorm, lower.TermNormReLU, lower.TermNormGradient:
		t.Moments, t.Gamma, t.Beta = m.positive(2*c), m.floats(c), m.floats(c)
		if kind == lower.TermNormGradient {
			t.G, t.Sums = m.stored(size), m.floats(2*c)
		}
	case lower.TermPool, lower.TermSubsample:
		size = 4 * images * h * w * (c - 8)
	case lower.TermPoolGradient, lower.TermSubsampleGradient:
		t.Depth = int32(2 * c)
		size /= 2
	case lower.TermAverageGradient:
		t.X = m.floats(images * c)
		return t
	}
	t.X = m.stored(size)
	return t
}

func (m *maker) source(first, second, mask lower.TermKind, relu bool, h, w, c int) lower.Source {
	s := lower.Source{First: m.term(first, h, w, c), Second: m.term(second, h, w, c), Mask: m.term(mask, h, w, c), Height: int32(h), Width: int32(w), Channels: int32(c)}
	if relu {
		s.ReLU = 1
	}
	return s
}

func absolute(p driver.Ptr) lower.Ref { return lower.Ref{Offset: int64(p)} }

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
	packed, err := lower.Pack(func(r lower.Ref) uint64 { return uint64(r.Offset) }, l.Parameters()...)
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

// slots are terms that a convolution may have, in pairs that go through all kinds.
var slots = []struct{ first, second, mask lower.TermKind }{
	{lower.TermTensor, lower.TermNone, lower.TermNone}, {lower.TermNorm, lower.TermTensor, lower.TermNormReLU}, {lower.TermNormReLU, lower.TermNorm, lower.TermTensor},
	{lower.TermNormGradient, lower.TermNormReLU, lower.TermNorm}, {lower.TermPool, lower.TermSubsample, lower.TermPoolGradient}, {lower.TermSubsample, lower.TermPool, lower.TermNone},
	{lower.TermPoolGradient, lower.TermSubsampleGradient, lower.TermPool}, {lower.TermSubsampleGradient, lower.TermPoolGradient, lower.TermSubsample},
	{lower.TermAverageGradient, lower.TermAverageGradient, lower.TermSubsampleGradient}, {lower.TermTensor, lower.TermTensor, lower.TermAverageGradient},
}

func TestConvolution(t *testing.T) {
	for n, in := range slots {
		out := slots[(n+3)%len(slots)]
		for _, outputs := range []int{16, 32} {
			window, stride, dilation, backward := 3-2*(n%2), 1+n/2%2, 1, n%3 == 1
			if backward {
				stride, dilation = 1, 1+n/2%2
			}
			t.Run(fmt.Sprintf("%d %d", n, outputs), func(t *testing.T) {
				var results, statistics [2][]float32
				for half := range 2 {
					m := newMaker(t, uint64(n), 5, half == 1)
					s := m.s
					h, w := height*dilation/stride, width*dilation/stride
					const inputs = 24
					c := outputs + 8
					a := lower.Convolution{
						In: m.source(in.first, in.second, in.mask, n%2 == 1, height, width, inputs), Out: m.source(lower.TermNone, out.second, out.mask, n%4 == 2, h, w, c),
						Weights: m.floats(window * window * inputs * c), Stored: m.room(images * h * w * c), Images: images, Inputs: inputs,
						Window: int32(window), Pad: int32(window / 2), Stride: int32(stride), Dilation: int32(dilation),
					}
					if backward {
						a.Backward = 1
					}
					rows := 8
					if outputs == 16 {
						rows = 16
					}
					tiles := (w + 7) / 8 * ((h + rows - 1) / rows)
					a.Statistics = lower.Statistics{
						Raw: m.stored(images * h * w * c), Moments: m.positive(2 * c), Parts: absolute(cudatest.Alloc[float32](t, s, tiles*images*(2*c+1))),
						Ticket: absolute(cudatest.Upload(t, s, []uint32{0})), Result: absolute(cudatest.Alloc[float32](t, s, 2*c)), Eps: 1e-3, Factor: 0.5, Kind: lower.StatisticsKind(1 + n%2),
					}
					joined := lower.Ref{}
					if n%3 == 0 {
						joined = m.room(images * height * width * inputs)
					}
					m.launch(lower.Launch{Kernel: fmt.Sprintf("conv%d_f%d", outputs, 32-16*half), Module: "conv", Grid: lower.Dim{X: tiles, Y: images, Z: (c + outputs - 1) / outputs}, Threads: 128},
						lower.ConvolutionParameters{Convolution: a, Joined: joined})
					results[half] = m.read(a.Stored, images*h*w*c)
					statistics[half] = cudatest.Download[float32](t, s, driver.Ptr(a.Statistics.Result.Offset), 2*c)
				}
				near(t, results[1], results[0])
				near(t, statistics[1], statistics[0])
			})
		}
	}
}

func TestWeights(t *testing.T) {
	for n, terms := range slots {
		for _, kernel := range []struct{ window, stride int }{{3, 1}, {3, 2}, {1, 1}, {1, 2}} {
			t.Run(fmt.Sprintf("%d %d%d", n, kernel.window, kernel.stride), func(t *testing.T) {
				var results [2][]float32
				for half := range 2 {
					m := newMaker(t, uint64(n), 6, half == 1)
					s := m.s
					const inputs, outputs, slices = 20, 24, 2
					dy := slots[(n+5)%len(slots)]
					h, w := height/kernel.stride, width/kernel.stride
					if w%2 == 1 || h%2 == 1 {
						dy.first, dy.second, dy.mask = lower.TermNormGradient, lower.TermTensor, lower.TermNorm // nothing of half their size
					}
					a := lower.ConvWeights{
						X: m.source(terms.first, terms.second, terms.mask, n%2 == 0, height, width, inputs), Dy: m.source(dy.first, dy.second, dy.mask, n%2 == 1, h, w, outputs),
						Parts:  absolute(cudatest.Alloc[float32](t, s, slices*kernel.window*kernel.window*inputs*outputs)),
						Images: images, Slices: slices, Inputs: inputs, Pad: int32(kernel.window / 2), Stride: int32(kernel.stride),
					}
					m.launch(lower.Launch{
						Kernel: fmt.Sprintf("conv_weights%d%d_f%d", kernel.window, kernel.stride, 32-16*half), Module: "conv_weights",
						Grid: lower.Dim{X: slices, Y: (inputs + 15) / 16, Z: (outputs + 15) / 16}, Threads: 128,
					}, lower.ConvWeightsParameters{Weights: a})
					results[half] = cudatest.Download[float32](t, s, driver.Ptr(a.Parts.Offset), slices*kernel.window*kernel.window*inputs*outputs)
				}
				near(t, results[1], results[0])
			})
		}
	}
}
