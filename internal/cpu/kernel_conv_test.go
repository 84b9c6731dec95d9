package cpu

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// shape is a convolution to test, with logical channels.
type shape struct {
	geometry
	c, o int
}

func drawShape(t *rapid.T) shape {
	var s shape
	s.K = rapid.SampledFrom([]int{3, 3, 3, 1, 2, 5, 7}).Draw(t, "window")
	s.Stride = rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "stride")
	s.Pad = rapid.IntRange(0, s.K/2+1).Draw(t, "pad")
	least := max(1, s.K-2*s.Pad)
	side := rapid.OneOf(rapid.IntRange(least, 13), rapid.SampledFrom([]int{max(least, 8), 12, 16}))
	s.H, s.W = side.Draw(t, "h"), side.Draw(t, "w")
	channels := rapid.SampledFrom([]int{1, 3, 4, 5, 8, 16, 21, 24, 32, 64})
	s.c, s.o = channels.Draw(t, "in"), channels.Draw(t, "out")
	s.C, s.O = stored(s.c), stored(s.o)
	s.OH, s.OW = (s.H+2*s.Pad-s.K)/s.Stride+1, (s.W+2*s.Pad-s.K)/s.Stride+1
	return s
}

// each calls f for every product of the convolution: input pixel, output pixel, index of the weight.
func (s shape) each(f func(y, x, c, oy, ox, o, w int)) {
	for o := range s.o {
		for c := range s.c {
			for k := range s.K * s.K {
				for p := range s.OH * s.OW {
					oy, ox := p/s.OW, p%s.OW
					y, x := oy*s.Stride+k/s.K-s.Pad, ox*s.Stride+k%s.K-s.Pad
					if y >= 0 && y < s.H && x >= 0 && x < s.W {
						f(y, x, c, oy, ox, o, (o*s.c+c)*s.K*s.K+k)
					}
				}
			}
		}
	}
}

// A sum of n float32 products in any order is off by at most about n epsilon of the sum of their absolute values; these
// tests allow a little more than is seen, which is far less.
const sumTolerance = 2e-6

func TestConvAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		s := drawShape(t)
		dstPad := rapid.IntRange(0, 2).Draw(t, "border of dst")
		src := randomImage(t, "src", s.H, s.W, s.C, s.c, s.Pad+rapid.IntRange(0, 1).Draw(t, "more border"))
		dst := newImage(t, "dst", s.OH, s.OW, s.O, dstPad)
		w := randomFloats(t, "w", s.o*s.c*s.K*s.K)
		want, scale := make([]float64, s.OH*s.OW*s.O), make([]float64, s.OH*s.OW*s.O)
		s.each(func(y, x, c, oy, ox, o, i int) {
			v := float64(*src.at(y, x, c)) * float64(w[i])
			want[(oy*s.OW+ox)*s.O+o] += v
			scale[(oy*s.OW+ox)*s.O+o] += math.Abs(v)
		})
		op := k.newConv(s.geometry, s.c, s.o)
		runConvolver(t, op, w, dst, src)
		widen(op, scale)
		near(t, "conv", dst.interior(), want, scale, sumTolerance)
		dst.checkFrame(t, "dst", dstPad)
	})
}

func TestConvGradInputAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		s := drawShape(t)
		dstPad := rapid.IntRange(0, 2).Draw(t, "border of dx")
		pad := gradInputPad(s.K, s.Stride, s.Pad)
		dy := randomImage(t, "dy", s.OH, s.OW, s.O, s.o, pad)
		dx := newImage(t, "dx", s.H, s.W, s.C, dstPad)
		w := randomFloats(t, "w", s.o*s.c*s.K*s.K)
		want, scale := make([]float64, s.H*s.W*s.C), make([]float64, s.H*s.W*s.C)
		s.each(func(y, x, c, oy, ox, o, i int) {
			v := float64(*dy.at(oy, ox, o)) * float64(w[i])
			want[(y*s.W+x)*s.C+c] += v
			scale[(y*s.W+x)*s.C+c] += math.Abs(v)
		})
		op := k.newConvGradInput(s.geometry, s.c, s.o)
		runConvolver(t, op, w, dx, dy)
		widen(op, scale)
		near(t, "input gradient", dx.interior(), want, scale, sumTolerance)
		dx.checkFrame(t, "dx", dstPad)
	})
}

// widen gives all elements of a Winograd convolution the largest scale: its errors come from all of a tile.
func widen(op any, scale []float64) {
	switch op.(type) {
	case *winoConv, *winoGradWeights:
		largest := slices.Max(scale)
		for i := range scale {
			scale[i] = largest
		}
	}
}

// runConvolver packs twice, so that what the first packing left behind shows.
func runConvolver(t *rapid.T, op convolver, w []float32, dst, src image3) {
	other := make([]float32, len(w))
	for i := range other {
		other[i] = 7
	}
	op.pack(other)
	op.pack(w)
	work := newBlock(op.workspace())
	dst.far = rapid.Bool().Draw(t, "dst is far")
	op.run(dst.view, src.view, work.body(), nil)
	work.check(t, "workspace")
	src.block.check(t, "src")
}

func TestConvGradWeightsAgainstDefinition(t *testing.T) {
	allSets(t, func(t *rapid.T, k kernels) {
		s := drawShape(t)
		op := k.newConvGradWeights(s.geometry, s.c, s.o)
		sum := newBlock(op.size())
		clear(sum.body())
		n := s.o * s.c * s.K * s.K
		want, scale := make([]float64, n), make([]float64, n)
		for range 2 { // two images are added
			x := randomImage(t, "x", s.H, s.W, s.C, s.c, s.Pad)
			dy := randomImage(t, "dy", s.OH, s.OW, s.O, s.o, rapid.IntRange(0, 2).Draw(t, "border of dy"))
			s.each(func(y, xx, c, oy, ox, o, i int) {
				v := float64(*x.at(y, xx, c)) * float64(*dy.at(oy, ox, o))
				want[i] += v
				scale[i] += math.Abs(v)
			})
			work := newBlock(op.workspace())
			op.run(sum.body(), x.view, dy.view, work.body(), turn{last: true}, nil)
			work.check(t, "workspace")
		}
		sum.check(t, "sum")
		got := newBlock(n)
		op.unpack(got.body(), sum.body())
		widen(op, scale)
		near(t, "weight gradient", got.body(), want, scale, sumTolerance)
		got.check(t, "gradient")
	})
}

// All sets compute a convolution by the same transforms, so that plain Go and vectors differ in rounding only, and the two widths of
// vectors not at all.
func TestSetsAgree(t *testing.T) {
	sets := kernelSets()
	if len(sets) == 1 {
		t.Skip("no vectors here: there is one set")
	}
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		src := randomImage(t, "src", s.H, s.W, s.C, s.c, s.Pad)
		dy := randomImage(t, "dy", s.OH, s.OW, s.O, s.o, gradInputPad(s.K, s.Stride, s.Pad))
		w := randomFloats(t, "w", s.o*s.c*s.K*s.K)
		results := make([][3][]float32, len(sets))
		for i, k := range sets {
			y, dx := newImage(t, "y", s.OH, s.OW, s.O, 0), newImage(t, "dx", s.H, s.W, s.C, 0)
			runConvolver(t, k.newConv(s.geometry, s.c, s.o), w, y, src)
			runConvolver(t, k.newConvGradInput(s.geometry, s.c, s.o), w, dx, dy)
			op := k.newConvGradWeights(s.geometry, s.c, s.o)
			sum, dw := make([]float32, op.size()), make([]float32, len(w))
			op.run(sum, src.view, dy.view, make([]float32, op.workspace()), turn{last: true}, nil)
			op.unpack(dw, sum)
			results[i] = [3][]float32{y.interior(), dx.interior(), dw}
		}
		plain := results[len(sets)-1]
		for i, name := range []string{"output", "input gradient", "weight gradient"} {
			for _, r := range results[:len(sets)-1] {
				if !slices.Equal(r[i], results[0][i]) {
					t.Fatalf("%s: %s and %s have other bits", name, sets[0].name, sets[1].name)
				}
			}
			want := make([]float64, len(plain[i]))
			largest := 1e-30
			for j, v := range plain[i] {
				want[j] = float64(v)
				largest = max(largest, math.Abs(want[j]))
			}
			scale := slices.Repeat([]float64{largest}, len(want))
			near(t, name, results[0][i], want, scale, 2e-5)
		}
	})
}
