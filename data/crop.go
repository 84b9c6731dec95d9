package data

import "longtail/internal/rng"

// Crop is how one image is changed for one epoch: a border of zero bytes is laid around it, a window of the image's size cut out,
// and the window perhaps mirrored.
type Crop struct {
	DY, DX int  // 0 to 2 Border: top left corner of the window in the bordered image; Border, Border is the image itself
	Flip   bool // mirror left and right, after cutting
}

// Border is the width of the zero border for the crops.
const Border = 4

// Augment is the crop for a sample, an index into the training images, in an epoch (the first is 0). It is one Philox call,
// so that a kernel can repeat it bit for bit:
//
//	w = Philox(key = seed, counter = {sample, epoch, 0, rng.Crop})
//	DY = (9 * w[0]) >> 32, DX = (9 * w[1]) >> 32 in 64-bit arithmetic, Flip = w[2] >> 31
//
// The nine offsets differ in probability by less than 2^-29.
func Augment(seed uint64, epoch, sample int) Crop {
	w := rng.Philox(seed, [4]uint32{uint32(sample), uint32(epoch), 0, uint32(rng.Crop)})
	const offsets = 2*Border + 1
	return Crop{
		DY:   int(offsets * uint64(w[0]) >> 32),
		DX:   int(offsets * uint64(w[1]) >> 32),
		Flip: w[2]>>31 == 1,
	}
}
