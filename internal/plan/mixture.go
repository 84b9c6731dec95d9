package plan

import "fmt"

// Mixing says how the images of every step of a training are mixed. Its draws follow from its arguments alone.
type Mixing interface {
	// Draw is the mixture of a step (the first is 0) whose images have those labels [N].
	Draw(step int, labels []int32) Mixture
}

// Mixture is how one step mixes its images. With x_i the image at place i of the batch, cropped and flipped, and j = Partners[i],
// the network sees at place i
//
//	Share x_i + (1 - Share) x_j   outside of Box
//	x_j                           in Box
//
// in fp32, without fused operations. The loss is that of program.Network: First[i] of the first label, the rest of the second.
type Mixture struct {
	Partners []int32   // [N] places in the batch of the second images
	Share    float32   // of the first images in a pixel, in [0, 1]
	Box      Box       // whose pixels are the second image's alone
	First    []float32 // [N] the label factor: the share of the first image's label in the loss, in [0, 1]
}

// Box is a rectangle of pixels, from (Top, Left) up to, but not with, (Bottom, Right). The zero value is empty.
type Box struct{ Top, Left, Bottom, Right int32 }

// Check returns an error unless a mixture is one of a batch of so many images [height, width].
func (m *Mixture) Check(batch, height, width int) error {
	if len(m.Partners) != batch || len(m.First) != batch {
		return fmt.Errorf("a mixture of a batch of %d has %d partners and %d label factors", batch, len(m.Partners), len(m.First))
	}
	for i, j := range m.Partners {
		if j < 0 || int(j) >= batch {
			return fmt.Errorf("the partner of image %d is number %d of a batch of %d", i, j, batch)
		}
		if !(m.First[i] >= 0 && m.First[i] <= 1) {
			return fmt.Errorf("the label factor of image %d is %v", i, m.First[i])
		}
	}
	if b := m.Box; !(m.Share >= 0 && m.Share <= 1) || b.Top < 0 || b.Left < 0 || int(b.Bottom) > height || int(b.Right) > width {
		return fmt.Errorf("images of %d x %d are mixed by %v outside of the box %+v", height, width, m.Share, b)
	}
	return nil
}
