package cpu

import (
	"math"
	"strings"
	"testing"

	"longtail/internal/fail"

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
	im := image3{b, view{data: b.body(), off: pad*pitch + pad*c, pitch: pitch}, h, w, c}
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

// allSets runs a property with every set of kernels that the processor has.
func allSets(t *testing.T, property func(t *rapid.T, k kernels)) {
	for _, k := range kernelSets() {
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

// set is the set of kernels of that name, skipping the test where the processor lacks it.
func set(t testing.TB, name string) kernels {
	t.Helper()
	k, err := kernelSet(name)
	if err != nil {
		t.Skip(err)
	}
	return k
}

func TestKernelSets(t *testing.T) {
	if k := set(t, generic); k.avx2 || k.avx512 || k.arithmetic() != "cpu generic" {
		t.Errorf("%+v, %s", k, k.arithmetic())
	}
	if k := set(t, ""); k.avx2 != hasAVX2 || k.avx512 != hasAVX512 {
		t.Errorf("the fastest set is %+v on a processor with AVX2 %v, AVX-512 %v", k, hasAVX2, hasAVX512)
	}
	for name, want := range map[string]bool{generic: true, "avx2": hasAVX2, "avx512": hasAVX512, "sse": false} {
		k, err := kernelSet(name)
		if (err == nil) != want || err == nil && k.name != name {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
		if err != nil && (fail.Code(err) != fail.CodeDevice || !strings.Contains(err.Error(), "LONGTAIL_CPU="+name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// AVX-512 does in every lane what AVX2 does, so that a run may change from one to the other.
func TestArithmeticOfVectors(t *testing.T) {
	if a, b := set(t, "avx2").arithmetic(), set(t, "avx512").arithmetic(); a != b || a != "cpu avx2" {
		t.Errorf("%q and %q", a, b)
	}
}

func TestStoredChannels(t *testing.T) {
	for c, want := range map[int]int{1: 4, 3: 4, 4: 4, 5: 8, 8: 8, 9: 16, 16: 16, 20: 24, 64: 64} {
		if got := stored(c); got != want {
			t.Errorf("stored(%d) = %d, want %d", c, got, want)
		}
	}
}
