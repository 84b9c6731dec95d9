package picture

import (
	"fmt"
	"image"
	"image/color"
)

// fromVideo is a lossy WebP as RGB. Its luma runs from 16 to 235, as in video, where package image takes every YCbCr for that of JPEG, from 0
// to 255; the sums are those of libwebp's VP8YUVToR, G and B.
func fromVideo(m image.Image) (*image.NRGBA, error) {
	var planes *image.YCbCr
	alpha := func(int, int) byte { return 255 }
	switch m := m.(type) {
	case *image.YCbCr:
		planes = m
	case *image.NYCbCrA:
		planes = &m.YCbCr
		alpha = func(x, y int) byte { return m.A[m.AOffset(x, y)] }
	default:
		return nil, fmt.Errorf("the WebP decoder gives a %T", m)
	}
	bounds := planes.Rect
	to := image.NewNRGBA(bounds)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			chroma := planes.COffset(x, y)
			luma, u, v := int(planes.Y[planes.YOffset(x, y)]), int(planes.Cb[chroma]), int(planes.Cr[chroma])
			bright := luma * 19077 >> 8
			to.SetNRGBA(x, y, color.NRGBA{
				R: clip6(bright + v*26149>>8 - 14234),
				G: clip6(bright - u*6419>>8 - v*13320>>8 + 8708),
				B: clip6(bright + u*33050>>8 - 17685),
				A: alpha(x, y),
			})
		}
	}
	return to, nil
}

// clip6 is a number with 6 bits behind the point as a byte.
func clip6(v int) byte { return byte(min(max(v>>6, 0), 255)) }
