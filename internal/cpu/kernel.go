package cpu

// view is a part of a block of floats: element (y, x, c) of a tensor [H, W, C] is data[off + y*pitch + x*C + c]. A padded
// tensor has a border of zero pixels around it inside data; off is the first pixel of its interior.
type view struct {
	data  []float32
	off   int
	pitch int // floats from one row to the next
}

// rows is the memory from the first element of a view to the last of n floats in each of h rows. It panics where data is
// shorter: the kernels check nothing further.
func (v view) rows(h, n int) []float32 {
	if h == 0 || n == 0 {
		return nil
	}
	return v.data[v.off : v.off+(h-1)*v.pitch+n]
}

// from is the view from pixel (y, x), for C channels.
func (v view) from(y, x, c int) view {
	return view{v.data, v.off + y*v.pitch + x*c, v.pitch}
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

// kernels is a set of kernels for one image on one thread: AVX2 with FMA, or plain Go. All of them are deterministic; the
// two sets differ in rounding only.
type kernels struct {
	name string
	avx2 bool
}

// kernelSet chooses the fastest kernels of this processor, or those in plain Go.
func kernelSet(generic bool) kernels {
	if !generic && hasAVX2 {
		return kernels{"avx2", true}
	}
	return kernels{"generic", false}
}
