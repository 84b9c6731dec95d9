//go:build gpu

package families

import (
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
)

func TestMain(m *testing.M) {
	if os.Getenv("LONGTAIL_WRITE") != "" || !strings.Contains(os.Getenv("LONGTAIL_CUDA_DRIVER"), "libcuda_ptx") {
		os.Exit(m.Run()) // only libraries of translated PTX hold these kernels
	}
	cudatest.Main(m)
}

const lanes = 32

// inputs are integers that are as good as floats: of moderate exponents, both signs.
func inputs(r *rand.Rand) (a, b, c []uint32) {
	draw := func() []uint32 {
		v := make([]uint32, lanes)
		for i := range v {
			v[i] = r.Uint32()&0x807fffff | uint32(122+r.IntN(10))<<23
		}
		return v
	}
	a, b, c = draw(), draw(), draw()
	for i := range lanes / 2 {
		c[i], b[i] = r.Uint32N(100), a[i]+r.Uint32N(3) // near values, small numbers
		if f := f32(c[i]); f != 0 && math.Abs(float64(f)) < 1e-30 {
			c[i] = bits32(float32(c[i]))
		}
	}
	return a, b, c
}

func TestOperations(t *testing.T) {
	info, err := driver.Available()
	if err != nil || !strings.Contains(info.Name, "PTX") {
		t.Skip("the library holds no translated PTX")
	}
	c, s := cudatest.Open(t)
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			f := cudatest.Kernel(t, c, PTX, "family_"+o.name)
			for range 8 {
				a, b, d := inputs(r)
				if strings.HasPrefix(o.name, "from_half") {
					for i := range a {
						a[i] = r.Uint32N(31744)
					}
				}
				fragments := makeFragments(r, strings.HasSuffix(o.name, "bf16"))
				out, sums := cudatest.Alloc[uint32](t, s, lanes), cudatest.Upload(t, s, make([]float32, 4*lanes))
				if err := f.Launch(s, driver.D1(1), driver.D1(lanes), 0, cudatest.Upload(t, s, a), cudatest.Upload(t, s, b), cudatest.Upload(t, s, d),
					out, cudatest.Upload(t, s, fragments.words), sums); err != nil {
					t.Fatal(err)
				}
				got := cudatest.Download[uint32](t, s, out, lanes)
				if strings.HasPrefix(o.name, "mma") {
					fragments.check(t, cudatest.Download[float32](t, s, sums, 4*lanes))
					continue
				}
				for lane := range lanes {
					var want uint32
					if o.want != nil {
						want = o.want(a[lane], b[lane], d[lane])
					} else {
						want = together(o.name, a, b, lane)
					}
					if got[lane] != want {
						t.Fatalf("lane %d: %#x of %#x, %#x, %#x, want %#x", lane, got[lane], a[lane], b[lane], d[lane], want)
					}
				}
			}
		})
	}
}

// together is the result of a lane where lanes exchange values.
func together(name string, a, b []uint32, lane int) uint32 {
	half := func(row, column int) uint32 { return a[row*4+column/2] >> (column % 2 * 16) & 0xffff }
	row, column := lane/4, lane%4*2
	switch name {
	case "shfl_bfly":
		return a[lane^5]
	case "shfl_down":
		if lane+5 < lanes {
			return a[lane+5]
		}
		return a[lane]
	case "shfl_up":
		if lane >= 5 {
			return a[lane-5]
		}
		return a[lane]
	case "shfl_idx":
		return a[b[lane]%lanes]
	case "shfl_segments": // of 8 lanes: 9 leaves the segment, and the lane keeps its own
		if lane^9 <= lane&24|7 {
			return a[lane^9]
		}
		return a[lane]
	case "ballot":
		set := uint32(0)
		for l, x := range a {
			set |= x >> 31 << l
		}
		return set
	case "matrix":
		return half(row, column) | half(row, column+1)<<16
	case "matrix_transposed":
		return half(column, row) | half(column+1, row)<<16
	}
	panic(name)
}

// fragments are A [16][16], B [16][8], C [16][8] of small integers and the registers of all lanes: 4 of A, 2 of B, 2 unused, 4 of C.
type fragments struct {
	a, b, c [16][16]float64
	words   []uint32
}

func makeFragments(r *rand.Rand, bfloat bool) *fragments {
	f := &fragments{words: make([]uint32, 12*lanes)}
	for i := range 16 {
		for j := range 16 {
			f.a[i][j], f.b[i][j], f.c[i][j] = float64(r.IntN(17)-8), float64(r.IntN(17)-8), float64(r.IntN(33)-16)
		}
	}
	encode := func(x float64) uint32 {
		b := bits32(float32(x))
		switch {
		case bfloat:
			return b >> 16
		case x == 0:
			return 0
		}
		return b>>16&0x8000 | ((b&0x7fffffff)>>13 - 112<<10)
	}
	// "Matrix Fragments for mma.m16n8k16 with floating point type".
	for lane := range lanes {
		group, thread, w := lane/4, lane%4, f.words[12*lane:]
		for i := range 8 {
			row, column := group, thread*2+i%2
			if i == 2 || i == 3 || i >= 6 {
				row += 8
			}
			if i >= 4 {
				column += 8
			}
			w[i/2] |= encode(f.a[row][column]) << (i % 2 * 16)
		}
		for i := range 4 {
			w[4+i/2] |= encode(f.b[thread*2+i%2+i/2*8][group]) << (i % 2 * 16)
			w[8+i] = bits32(float32(f.c[group+i/2*8][thread*2+i%2]))
		}
	}
	return f
}

// check compares with a plain matrix product: sums of small integers are exact.
func (f *fragments) check(t *testing.T, got []float32) {
	t.Helper()
	for lane := range lanes {
		for i := range 4 {
			row, column := lane/4+i/2*8, lane%4*2+i%2
			want := f.c[row][column]
			for k := range 16 {
				want += f.a[row][k] * f.b[k][column]
			}
			if float64(got[4*lane+i]) != want {
				t.Fatalf("D[%d][%d] is %v, want %v", row, column, got[4*lane+i], want)
			}
		}
	}
}
