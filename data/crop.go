package data

import "longtail/internal/rng"

// The values of the key data.augment.
const (
	NoAugment       = "none"
	StandardAugment = "standard" // crop and flip, as in the paper
	CutoutAugment   = "cutout"   // and a square of zeros
)

// Augments are the values of the key data.augment.
func Augments() []string { return []string{StandardAugment, NoAugment, CutoutAugment} }

// Crop is how one image is changed for one epoch: a border is laid around it, a window of the image's size cut out, the window perhaps
// mirrored, and perhaps a square of it set to zero.
type Crop struct {
	DY, DX int    // 0 to 2 border: top left corner of the window in the bordered image; border, border is the image itself
	Flip   bool   // mirror left and right, after cutting
	Center uint32 // of the square, see Hole
}

// leastBorder is the border of images of 32 pixels, as in the paper, and of smaller ones.
const leastBorder = 4

// Border is the width of the border for the crops of images of a height: an eighth of it, at least 4. What lies there is Input.Border.
func Border(height int) int { return max(leastBorder, height/8) }

// Augment is the crop for a sample, an index into the training images of a height, in an epoch (the first is 0). draw is 0 where an epoch shows an
// image once; where it may come again, which asks for another crop, it is 1 + the place in the epoch. It is one Philox call, so that a
// kernel can repeat it bit for bit:
//
//	w = Philox(key = seed, counter = {sample, epoch, draw, rng.Crop})
//	DY = (n * w[0]) >> 32, DX = (n * w[1]) >> 32 in 64-bit arithmetic, n = 2 Border(height) + 1, Flip = w[2] >> 31, Center = w[3]
//
// The offsets differ in probability by less than n 2^-32.
func Augment(seed uint64, epoch, draw, sample, height int) Crop {
	w := rng.Philox(seed, [4]uint32{uint32(sample), uint32(epoch), uint32(draw), uint32(rng.Crop)})
	offsets := uint64(2*Border(height) + 1)
	return Crop{
		DY:     int(offsets * uint64(w[0]) >> 32),
		DX:     int(offsets * uint64(w[1]) >> 32),
		Flip:   w[2]>>31 == 1,
		Center: w[3],
	}
}

// Hole is the top left corner of the square of so many pixels a side that cutout sets to zero in a window [height, width] (DeVries and
// Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017). Its centre, pixel side / 2 of it, is uniform
// over the window, so that the square may reach beyond it:
//
//	top = (height * (Center >> 16)) >> 16 - side / 2, left = (width * (Center mod 2^16)) >> 16 - side / 2
func (c Crop) Hole(side, height, width int) (top, left int) {
	return height*int(c.Center>>16)>>16 - side/2, width*int(c.Center&0xffff)>>16 - side/2
}

// CutoutSide is the side of the square in images of a height: half of it, which is the 16 of 32 that its authors use for CIFAR-10.
func CutoutSide(height int) int { return height / 2 }
