package cpu

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// guard is the number of floats before and after the memory of a test's values that no kernel may touch. They are NaN, so
// that a kernel that reads them shows it in its results.
const guard = 64

var nan = float32(math.NaN())

// block is a block of floats between guards.
type block struct{ all []float32 }

func newBlock(n int) *block {
	b := &block{make([]float32, n+2*guard)}
	for i := range b.all {
		b.all[i] = nan
	}
	return b
}

func (b *block) body() []float32 { return b.all[guard : len(b.all)-guard] }

func isNaN(x float32) bool { return x != x }

func (b *block) check(t *rapid.T, name string) {
	for i := range guard {
		if !isNaN(b.all[i]) || !isNaN(b.all[len(b.all)-1-i]) {
			t.Fatalf("%s: something was written outside of it", name)
		}
	}
}

// image3 is an [h, w, c] tensor in a block, with a border and perhaps a gap of NaN between its rows.
type image3 struct {
	*block
	view
	h, w, c int
}

// newImage makes an image whose interior is NaN and whose border is zero.
func newImage(t *rapid.T, name string, h, w, c, pad int) image3 {
	gap := rapid.SampledFrom([]int{0, 0, 8, 20}).Draw(t, name+" gap")
	pitch := (w+2*pad)*c + gap
	b := newBlock((h+2*pad)*pitch - gap)
	im := image3{b, view{b.body(), pad*pitch + pad*c, pitch}, h, w, c}
	for y := -pad; y < h+pad; y++ {
		for x := -pad * c; x < (w+pad)*c; x++ {
			if y < 0 || y >= h || x < 0 || x >= w*c {
				im.data[im.off+y*pitch+x] = 0
			}
		}
	}
	return im
}

// randomImage fills the first channels of each pixel with random numbers, the rest with zeros.
func randomImage(t *rapid.T, name string, h, w, c, channels, pad int) image3 {
	im := newImage(t, name, h, w, c, pad)
	r := random(rapid.Uint64().Draw(t, name))
	for y := range h {
		for x := range w {
			for i := range c {
				*im.at(y, x, i) = 0
				if i < channels {
					*im.at(y, x, i) = r.next()
				}
			}
		}
	}
	return im
}

func (im image3) at(y, x, c int) *float32 { return &im.data[im.off+y*im.pitch+x*im.c+c] }

// interior is every element, row by row.
func (im image3) interior() []float32 {
	var out []float32
	for y := range im.h {
		out = append(out, im.data[im.off+y*im.pitch:][:im.w*im.c]...)
	}
	return out
}

// checkFrame fails where guards, gaps or, with a border, its zeros were written.
func (im image3) checkFrame(t *rapid.T, name string, pad int) {
	im.block.check(t, name)
	for i, v := range im.view.data {
		at := i - im.off + pad*(im.pitch+im.c)
		y, x := at/im.pitch-pad, at%im.pitch-pad*im.c
		inside := x >= 0 && x < im.w*im.c && y >= 0 && y < im.h
		switch {
		case inside:
		case x >= (im.w+pad)*im.c:
			if !isNaN(v) {
				t.Fatalf("%s: the gap after row %d was written", name, y)
			}
		case v != 0:
			t.Fatalf("%s: the border holds %v at row %d, float %d", name, v, y, x)
		}
	}
}

// random is a small generator (splitmix64) of numbers in [-1, 1).
type random uint64

func (r *random) next() float32 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float32(int32(z>>32)) / (1 << 31)
}

func randomFloats(t *rapid.T, name string, n int) []float32 {
	r := random(rapid.Uint64().Draw(t, name))
	out := make([]float32, n)
	for i := range out {
		out[i] = r.next()
	}
	return out
}

// bothSets runs a property with plain Go and, where the processor has it, with AVX2.
func bothSets(t *testing.T, property func(t *rapid.T, k kernels)) {
	sets := []kernels{kernelSet(true)}
	if hasAVX2 {
		sets = append(sets, kernelSet(false))
	} else {
		t.Log("no AVX2 here: plain Go only")
	}
	for _, k := range sets {
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { property(t, k) })
		})
	}
}

// near fails where a number is further from the truth than tolerance times the scale of what was summed for it.
func near(t *rapid.T, name string, got []float32, want, scale []float64, tolerance float64) {
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) <= tolerance*scale[i]) {
			t.Fatalf("%s: element %d is %v, want %v within %.1e of %v", name, i, got[i], w, tolerance, scale[i])
		}
	}
}

func ones(n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = 1
	}
	return s
}

func TestKernelSetGeneric(t *testing.T) {
	if k := kernelSet(true); k.avx2 || k.name != "generic" {
		t.Errorf("kernelSet(true) is %+v", k)
	}
	if k := kernelSet(false); k.avx2 != hasAVX2 {
		t.Errorf("kernelSet(false) is %+v on a processor with AVX2 %v", k, hasAVX2)
	}
}

func TestStoredChannels(t *testing.T) {
	for c, want := range map[int]int{1: 4, 3: 4, 4: 4, 5: 8, 8: 8, 9: 16, 16: 16, 20: 24, 64: 64} {
		if got := stored(c); got != want {
			t.Errorf("stored(%d) = %d, want %d", c, got, want)
		}
	}
}
