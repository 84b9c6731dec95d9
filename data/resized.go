package data

import (
	"math"

	"longtail/internal/rng"
)

// The values of the key data.crop.
const (
	PaddedCrop  = "padded"         // a window of the image's size in the image with a border: Crop
	ResizedCrop = "random_resized" // a part of random area and aspect ratio, resized to the image's size: Part
)

// Crops are the values of the key data.crop.
func Crops() []string { return []string{PaddedCrop, ResizedCrop} }

// partTries is how many parts are drawn until one fits the image, as in torchvision.
const partTries = 10

// Resized says how parts are drawn of images of one size, as torchvision.transforms.RandomResizedCrop draws them (Szegedy et al., "Going
// Deeper with Convolutions", CVPR 2015, section 6). The zero value draws none.
type Resized struct {
	Share, Ratio             [2]float32 // of the image's area, and log2 of width / height: the least one, and how far it reaches from there
	Top, Left, Height, Width int32      // the part where no try fits, the largest in the middle whose ratio is allowed
}

// Part is a rectangle of an image, in pixels. Resized to the size of the image by bilinear interpolation, it is what the network sees: with
// size the height of the image, row y of it is between the rows
//
//	Top + floor(v) and the one below, which is at most the part's last, v = max(0, ((2 y + 1) Height - size) / (2 size))
//
// of which the lower one has the weight v - floor(v); columns likewise. A part is never larger than the image, so that antialiasing would
// change nothing.
type Part struct{ Top, Left, Height, Width int }

// NewResized is for images [height, width]. The area of a part is uniform in the range of scale, in areas of the image, and its width /
// height log-uniform in the range of ratio.
func NewResized(scale, ratio [2]float64, height, width int) Resized {
	least, most := math.Log2(ratio[0]), math.Log2(ratio[1])
	r := Resized{
		Share:  [2]float32{float32(scale[0]), float32(scale[1] - scale[0])},
		Ratio:  [2]float32{float32(least), float32(most - least)},
		Height: int32(height), Width: int32(width),
	}
	switch own := float64(width) / float64(height); {
	case own < ratio[0]:
		r.Height = int32(max(1, math.RoundToEven(float64(width)/ratio[0])))
	case own > ratio[1]:
		r.Width = int32(max(1, math.RoundToEven(float64(height)*ratio[1])))
	}
	r.Top, r.Left = (int32(height)-r.Height)/2, (int32(width)-r.Width)/2
	return r
}

// Draw is the part of an image [height, width] for a sample in an epoch; arguments are those of Augment, whose Flip and Center hold for
// the resized part. Up to ten tries t = 1, 2, ... are made until a part fits. A try is one Philox call, and all else is float32 with each
// operation rounded, so that a kernel can repeat it bit for bit:
//
//	w = Philox(key = seed, counter = {sample, epoch, draw, rng.Crop + 2^16 t}), u[i] = (w[i] >> 8) / 2^24
//	area = height width (Share[0] + Share[1] u[0]), ratio = exp2(Ratio[0] + Ratio[1] u[1])
//	Width = round(sqrt(area ratio)), Height = round(sqrt(area / ratio)), halves to even; it fits from 1 to the size of the image
//	Top = ((height - Height + 1) w[2]) >> 32, Left = ((width - Width + 1) w[3]) >> 32 in 64-bit arithmetic
func (r Resized) Draw(seed uint64, epoch, draw, sample, height, width int) Part {
	for try := uint32(1); try <= partTries; try++ {
		w := rng.Philox(seed, [4]uint32{uint32(sample), uint32(epoch), uint32(draw), uint32(rng.Crop) + try<<16})
		area := float32(height*width) * (r.Share[0] + float32(r.Share[1]*unit(w[0])))
		ratio := exp2(r.Ratio[0] + float32(r.Ratio[1]*unit(w[1])))
		p := Part{Height: rounded(area / ratio), Width: rounded(float32(area * ratio))}
		if p.Height > 0 && p.Height <= height && p.Width > 0 && p.Width <= width {
			p.Top = int(uint64(height-p.Height+1) * uint64(w[2]) >> 32)
			p.Left = int(uint64(width-p.Width+1) * uint64(w[3]) >> 32)
			return p
		}
	}
	return Part{int(r.Top), int(r.Left), int(r.Height), int(r.Width)}
}

// unit is a multiple of 2^-24 in [0, 1).
func unit(word uint32) float32 { return float32(word>>8) * 0x1p-24 }

// rounded is the side of a square of an area, in whole pixels.
func rounded(area float32) int {
	side := float32(math.Sqrt(float64(area))) // which is the float32 nearest to the root
	return int(math.RoundToEven(float64(side)))
}

// exp2Terms are ln(2)^i / i! for i from 7 down to 0.
var exp2Terms = [...]float32{1.5252734e-5, 1.5403530e-4, 1.3333558e-3, 9.6181291e-3, 5.5504109e-2, 2.4022651e-1, 6.9314718e-1, 1}

// exp2 is 2^x for x from -126 to 126, to 2^-22 of it. Products and sums are rounded one by one, on every processor.
func exp2(x float32) float32 {
	whole := float32(math.RoundToEven(float64(x)))
	rest, sum := x-whole, float32(0)
	for _, term := range exp2Terms {
		sum = term + float32(sum*rest)
	}
	return sum * math.Float32frombits(uint32(int32(whole)+127)<<23)
}
