package cpu

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRoundingToBfloat16(t *testing.T) {
	bits := math.Float32frombits
	for _, c := range []struct {
		x    float32
		want uint16
	}{
		{0, 0}, {1, 0x3f80}, {-2, 0xc000}, {bits(0x3f808000), 0x3f80}, {bits(0x3f818000), 0x3f82}, {bits(0x3f808001), 0x3f81},
		{bits(0x3f807fff), 0x3f80}, {bits(0x7f7fffff), 0x7f80}, {float32(math.Inf(-1)), 0xff80}, {bits(0x007fffff), 0}, {bits(0x80000001), 0x8000},
		{bits(0x00800000), 0x0080},
	} {
		if got := toHalf(c.x); got != c.want {
			t.Errorf("%x rounds to %x, want %x", math.Float32bits(c.x), got, c.want)
		}
	}
	if v := fromHalf(toHalf(nan)); !isNaN(v) {
		t.Errorf("NaN rounds to %v", v)
	}
}

func TestFloat16(t *testing.T) {
	bits := math.Float32frombits
	for _, c := range []struct {
		x    float32
		want uint16
	}{
		{0, 0}, {1, 0x3c00}, {-2, 0xc000}, {65504, 0x7bff}, {65519, 0x7bff}, {65520, 0x7c00}, {float32(math.Inf(-1)), 0xfc00},
		{1 + 1.0/2048, 0x3c00}, {1 + 3.0/2048, 0x3c02}, {1.0 / (1 << 14), 0x0400}, {1.0 / (1 << 24), 1}, {1.0 / (1 << 25), 0},
		{bits(0x33000001), 1}, {bits(0x387fffff), 0x0400}, {bits(0x80000001), 0x8000},
	} {
		if got := toFloat16(c.x); got != c.want {
			t.Errorf("%g rounds to %x, want %x", c.x, got, c.want)
		}
	}
	for h := range 1 << 16 { // every number comes back
		v := fromFloat16(uint16(h))
		if isNaN(v) != (h&0x7fff > 0x7c00) || !isNaN(v) && toFloat16(v) != uint16(h) {
			t.Fatalf("%x is %v and comes back as %x", h, v, toFloat16(v))
		}
	}
}

// mixedSets are the sets with products of bfloat16: the processor's and that in plain Go.
func mixedSets(t *testing.T) (fast, plain kernels) {
	fast, plain = set(t, ""), set(t, generic)
	if !fast.bf16 {
		t.Skip("no AVX512_BF16 here")
	}
	fast.mixed, plain.mixed = true, true
	return fast, plain
}

// drawHalfShape is a convolution that Winograd's transforms fit.
func drawHalfShape(t *rapid.T) shape {
	s := shape{geometry: geometry{K: 3, Stride: 1, Pad: rapid.IntRange(0, 2).Draw(t, "pad")}}
	side := rapid.SampledFrom([]int{8, 12, 16, 32})
	s.OH, s.OW = side.Draw(t, "oh"), side.Draw(t, "ow")
	s.H, s.W = s.OH+2-2*s.Pad, s.OW+2-2*s.Pad
	channels := rapid.SampledFrom([]int{16, 32, 48, 64})
	s.c, s.o = channels.Draw(t, "in"), channels.Draw(t, "out")
	s.C, s.O = s.c, s.o
	return s
}

// Roundings of transforms can go either way where plain Go and fused operations differ by a bit, so that results differ by single
// roundings to bfloat16 of some terms.
const halfTolerance = 4e-3

func TestHalfConvGradInputAgainstPlainGo(t *testing.T) {
	fast, plain := mixedSets(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawHalfShape(t)
		s.Pad = 1
		s.H, s.W = s.OH, s.OW
		dy := randomImage(t, "dy", s.OH, s.OW, s.O, s.o, 1)
		w := randomFloats(t, "w", s.o*s.c*9)
		var results [2][]float32
		for i, k := range []kernels{fast, plain} {
			dx := newImage(t, "dx", s.H, s.W, s.C, 0)
			op := k.newConvGradInput(s.geometry, s.c, s.o)
			if _, ok := op.(*winoHalfConv); !ok {
				t.Fatalf("%T", op)
			}
			runConvolver(t, op, w, dx, dy)
			dx.checkFrame(t, "dx", 0)
			results[i] = dx.interior()
		}
		nearLargest(t, "input gradient", results[0], results[1], halfTolerance)
	})
}

// Images of a chunk are kept and folded together; sums must be those of each by itself, in float32 within the bounds of the rounding.
func TestHalfConvGradWeightsAgainstPlainGo(t *testing.T) {
	fast, plain := mixedSets(t)
	exact := plain
	exact.mixed = false
	rapid.Check(t, func(t *rapid.T) {
		s := drawHalfShape(t)
		n := rapid.IntRange(1, imagesPerChunk).Draw(t, "images")
		var xs, dys []image3
		for range n {
			xs = append(xs, randomImage(t, "x", s.H, s.W, s.C, s.c, s.Pad))
			dys = append(dys, randomImage(t, "dy", s.OH, s.OW, s.O, s.o, 0))
		}
		var results [3][]float32
		for i, k := range []kernels{fast, plain, exact} {
			op := k.newConvGradWeights(s.geometry, s.c, s.o)
			_, half := op.(*winoHalfGradWeights)
			if want := k.mixed && s.OW%8 == 0; half != want {
				t.Fatalf("%T for %+v", op, s)
			}
			sum, work := newBlock(op.size()), newBlock(op.workspace())
			clear(sum.body())
			for j := range n {
				op.run(sum.body(), xs[j].view, dys[j].view, work.body(), turn{j, j == n-1}, nil)
			}
			sum.check(t, "sum")
			work.check(t, "workspace")
			results[i] = make([]float32, s.o*s.c*9)
			op.unpack(results[i], sum.body())
		}
		nearLargest(t, "weight gradient", results[0], results[1], halfTolerance)
		nearLargest(t, "weight gradient in float32", results[0], results[2], 0.03)
	})
}

// nearLargest fails where two results differ by more than tolerance times the largest number.
func nearLargest(t *rapid.T, name string, got, want []float32, tolerance float64) {
	wide, largest := make([]float64, len(want)), 1e-30
	for i, v := range want {
		wide[i] = float64(v)
		largest = max(largest, math.Abs(wide[i]))
	}
	near(t, name, got, wide, slices.Repeat([]float64{largest}, len(want)), tolerance)
}

// Exact in both: numbers and sums that bfloat16 and float32 hold.
func TestHalfProductsOfSmallIntegersAreExact(t *testing.T) {
	fast, plain := mixedSets(t)
	rapid.Check(t, func(t *rapid.T) {
		j := gemmJob{
			batch: rapid.IntRange(1, 3).Draw(t, "batch"), rows: rapid.IntRange(gemmRows, 21).Draw(t, "rows"),
			inner: 4 * rapid.IntRange(1, 6).Draw(t, "inner"), cols: 16 * rapid.IntRange(1, 5).Draw(t, "cols"),
		}
		j.aStride, j.bStride, j.dstStride = j.rows*j.inner+3, j.inner*j.cols+5, j.rows*j.cols+2
		integers := func(name string, n int) []float32 {
			words := make([]float32, n)
			for i, x := range randomFloats(t, name, 2*n) {
				halves(words)[i] = toHalf(float32(int(8 * x)))
			}
			return words
		}
		j.a, j.b = integers("a", j.batch*j.aStride), integers("b", j.batch*j.bStride)
		results := [2]*block{newBlock(j.batch * j.dstStride), newBlock(j.batch * j.dstStride)}
		for i, k := range []kernels{fast, plain} {
			j.dst = results[i].body()
			k.multiplyHalf(&j)
			results[i].check(t, "dst")
		}
		if !slices.EqualFunc(results[0].body(), results[1].body(), func(a, b float32) bool { return a == b || isNaN(a) && isNaN(b) }) {
			t.Fatalf("products differ: %v and %v", results[0].body(), results[1].body())
		}
	})
}

// What is rounded and widened again is what plain Go makes of it, borders stay as they are, and nothing beside them is touched.
func TestValuesOfTwoBytes(t *testing.T) {
	fast, plain := mixedSets(t)
	rapid.Check(t, func(t *rapid.T) {
		h, w, c := rapid.IntRange(1, 5).Draw(t, "h"), rapid.IntRange(1, 7).Draw(t, "w"), rapid.SampledFrom([]int{4, 8, 16, 24, 64}).Draw(t, "c")
		x := randomImage(t, "x", h, w, c, c, rapid.IntRange(0, 1).Draw(t, "border"))
		f := rapid.SampledFrom([]format{bfloat16, float16}).Draw(t, "format")
		to, from := toHalf, fromHalf
		if f == float16 {
			to, from = toFloat16, fromFloat16
		}
		words := [2]*block{newBlock(h * w * c / 2), newBlock(h * w * c / 2)}
		for i, k := range []kernels{fast, plain} {
			k.compress(f, halves(words[i].body()), x.view, h, w*c)
			words[i].check(t, "words")
		}
		if !slices.Equal(halves(words[0].body()), halves(words[1].body())) {
			t.Fatal("rounded to other numbers")
		}
		back := newImage(t, "back", h, w, c, 1)
		fast.expand(f, back.view, halves(words[0].body()), h, w*c)
		back.checkFrame(t, "back", 1)
		for i, v := range x.interior() {
			if want := from(to(v)); back.interior()[i] != want {
				t.Fatalf("number %d: %v comes back as %v, want %v", i, v, back.interior()[i], want)
			}
		}
	})
}
