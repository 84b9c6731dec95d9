package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// narrowed is an image in two bytes, and the same image widened.
func narrowed(t *rapid.T, k kernels, name string, f format, h, w, c int) (narrow, wide view) {
	x := randomImage(t, name, h, w, c, c, 0)
	narrow = view{data: newBlock(h * w * c / 2).body(), pitch: w * c / 2, kept: f}
	k.compress(f, halves(narrow.data), x.view, h, w*c)
	k.expand(f, x.view, halves(narrow.data), h, w*c)
	return narrow, x.view
}

// A pass that reads values in two bytes has the bits of the pass that reads them widened, and touches nothing beside its result.
func TestNarrowPassesHaveTheBitsOfWideOnes(t *testing.T) {
	k, _ := mixedSets(t)
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 6).Draw(t, "h"), rapid.IntRange(1, 9).Draw(t, "w")
		c, pad := 16*rapid.IntRange(1, 5).Draw(t, "c/16"), rapid.IntRange(0, 1).Draw(t, "border")
		if !k.hasNarrow(c) {
			t.Fatalf("%d channels have no narrow passes", c)
		}
		p, q, r := randomFloats(t, "p", c), randomFloats(t, "q", c), randomFloats(t, "r", c)
		x, xWide := narrowed(t, k, "x", float16, h, w, c)
		plus, plusWide := narrowed(t, k, "plus", float16, h, w, c)
		g, gWide := narrowed(t, k, "g", bfloat16, h, w, c)
		same := func(name string, narrow, wide func(dst view)) {
			a, b := newImage(t, name, h, w, c, pad), newImage(t, name, h, w, c, pad)
			narrow(a.view)
			wide(b.view)
			a.checkFrame(t, name, pad)
			if !slices.EqualFunc(a.interior(), b.interior(), sameBits) {
				t.Fatalf("%s has other bits", name)
			}
		}
		for _, relu := range []bool{false, true} {
			wide := func(d view) { k.normalize(d, xWide, &plusWide, h, w, p, q, relu) }
			same("normalize", func(d view) { k.normalize(d, x, nil, h, w, p, q, relu) }, func(d view) { k.normalize(d, xWide, nil, h, w, p, q, relu) })
			same("normalize, plus of two bytes", func(d view) { k.normalize(d, x, &plus, h, w, p, q, relu) }, wide)
			same("normalize, plus of floats", func(d view) { k.normalize(d, x, &plusWide, h, w, p, q, relu) }, wide)
		}
		same("combine", func(d view) { k.combine(d, g, x, h, w, p, q, r) }, func(d view) { k.combine(d, gWide, xWide, h, w, p, q, r) })

		out, other := randomImage(t, "out", h, w, c, c, pad).view, randomImage(t, "other", h, w, c, c, 0).view
		for i, in := range []struct {
			g, gWide view
			plus     *view
		}{{gWide, gWide, nil}, {gWide, gWide, &other}, {g, gWide, &other}} {
			words, want := newBlock(h*w*c/2), newBlock(h*w*c/2)
			floats := newImage(t, "dst", h, w, c, 0).view
			var sums [4][]float64
			for j := range sums {
				sums[j] = slices.Repeat([]float64{0.5}, c)
			}
			k.reluGradSums(view{data: words.body(), pitch: w * c / 2, kept: bfloat16}, out, in.g, in.plus, x, h, w, p, q, sums[0], sums[1])
			k.reluGradSums(floats, out, in.gWide, in.plus, xWide, h, w, p, q, sums[2], sums[3])
			k.compress(bfloat16, halves(want.body()), floats, h, w*c)
			words.check(t, fmt.Sprint("gradient ", i))
			if !slices.Equal(halves(words.body()), halves(want.body())) {
				t.Fatalf("gradient %d has other bits", i)
			}
			if !slices.Equal(sums[0], sums[2]) || !slices.Equal(sums[1], sums[3]) {
				t.Fatalf("sums of gradient %d have other bits", i)
			}
		}
	})
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
