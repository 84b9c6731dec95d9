package mix

import (
	"math"

	"longtail/internal/plan"
)

func init() {
	Register("cutmix", func(o Options) Rule { return cutmix{o["alpha"]} }, alpha)
}

// cutmix pastes a box of one image over another (Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
// Features", ICCV 2019, section 3.1 and appendix A). The box's sides are sqrt(1 - l) times those of the image, rounded down; it is centred
// at a uniformly drawn pixel, and cut off at the image's edges. The first label's factor is the part of the image that is left of it.
type cutmix struct{ alpha float64 }

func (c cutmix) Mix(b *Batch) plan.Mixture {
	y, x := b.Pixel()
	cut := math.Sqrt(1 - float64(b.Factor(c.alpha)))
	var box plan.Box
	box.Top, box.Bottom = span(y, int(float64(b.Height)*cut), b.Height)
	box.Left, box.Right = span(x, int(float64(b.Width)*cut), b.Width)
	area := int(box.Bottom-box.Top) * int(box.Right-box.Left)
	m := b.Blend(1 - float32(area)/float32(b.Height*b.Width))
	m.Share, m.Box = 1, box
	return m
}

// span is a side of a length around a centre, its pixel length / 2, as far as it lies in an image of a size.
func span(centre, length, size int) (first, end int32) {
	first = int32(max(centre-length/2, 0))
	return first, int32(min(centre-length/2+length, size))
}
