package cpu

import (
	"slices"
	"strings"

	"longtail/internal/fail"
)

// view is a part of a block of floats: element (y, x, c) of a tensor [H, W, C] is data[off + y*pitch + x*C + c]. A padded
// tensor has a border of zero pixels around it inside data; off is the first pixel of its interior.
type view struct {
	data  []float32
	off   int
	pitch int    // floats from one row to the next
	kept  format // where two numbers take the place of a float, an element is a number, off and pitch count floats
	far   bool   // what is written here is read after the other images of the batch: it need not stay in the caches
}

// rows is the memory from the first element of a view to the last of n in each of h rows. It panics where data is
// shorter: the kernels check nothing further.
func (v view) rows(h, n int) []float32 {
	if h == 0 || n == 0 {
		return nil
	}
	return v.data[v.off : v.off+(h-1)*v.pitch+n*v.kept.size()/4]
}

// from is the view of floats from pixel (y, x), for C channels.
func (v view) from(y, x, c int) view {
	return view{data: v.data, off: v.off + y*v.pitch + x*c, pitch: v.pitch, far: v.far}
}

// geometry is the shape of a convolution: images [H, W, C] to [OH, OW, O], both channel counts as stored, square windows.
type geometry struct {
	H, W, C     int
	OH, OW, O   int
	K           int // side of the window
	Stride, Pad int
}

// halving is the shape of a shortcut between [2H, 2W, Big] and [H, W, Small]: channel c of the first is channel Before + c of
// the second, for the logical Channels; all other channels are zero.
type halving struct {
	H, W             int
	Big, Small       int // stored channels
	Before, Channels int
}

// stored is the number of channels that a tensor of logical channels has in memory: whole vectors, but pixels of images
// take four floats.
func stored(channels int) int {
	if channels <= 4 {
		return 4
	}
	return (channels + 7) &^ 7
}

// lanes is the number of floats in a vector register.
const lanes = 8

// kernels is a set of kernels for one image on one thread: AVX-512, AVX2 with FMA, or plain Go. All of them are deterministic. A lane of
// AVX-512 does what a lane of AVX2 does, in the same order, so that their results have the same bits; plain Go differs in rounding.
type kernels struct {
	name   string
	avx2   bool
	avx512 bool // and avx2, for what needs no wider vectors
	bf16   bool // and avx512
	mixed  bool // products of gradients are of bfloat16, values between levels of two bytes: by bf16, else by plain Go
}

// kernelSets are the sets of this processor, the fastest first.
func kernelSets() []kernels {
	sets := []kernels{{name: generic}}
	if hasAVX2 {
		sets = append(sets, kernels{name: "avx2", avx2: true})
	}
	if hasAVX512 {
		sets = append(sets, kernels{name: "avx512", avx2: true, avx512: true, bf16: hasBF16})
	}
	slices.Reverse(sets)
	return sets
}

const generic = "generic" // the set in plain Go

// kernelSet finds a set of this processor by name; "" is the fastest.
func kernelSet(name string) (kernels, error) {
	sets := kernelSets()
	if name == "" {
		return sets[0], nil
	}
	var names []string
	for _, k := range sets {
		if k.name == name {
			return k, nil
		}
		names = append(names, k.name)
	}
	return kernels{}, fail.Device("LONGTAIL_CPU=%s: this processor has the kernels %s\nchoose one of them, or unset LONGTAIL_CPU", name, strings.Join(names, ", "))
}

// mixes reports whether the set has products of bfloat16; those in plain Go are for tests and for a look.
func (k kernels) mixes() bool { return k.bf16 || k.name == generic }

// arithmetic is what the bits of results depend on: AVX-512 gives those of AVX2.
func (k kernels) arithmetic() string {
	if k.avx2 {
		return "cpu avx2"
	}
	return "cpu " + k.name
}
