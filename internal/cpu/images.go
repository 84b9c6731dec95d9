package cpu

import (
	"longtail/data"
	"longtail/internal/plan"
)

// drawTarget makes one-hot rows of the labels of images; those of padding are zero.
func (s *session) drawTarget(v plan.ValueID, images []int32) {
	target := s.small[v]
	clear(target)
	for i, image := range images {
		if image >= 0 {
			target[i*s.program.Classes+int(s.images.Labels[image])] = 1
		}
	}
}

// drawSecond makes the second targets and the label factors of mixed images.
func (s *session) drawSecond() {
	images := make([]int32, len(s.batch))
	for i, partner := range s.mix.Partners {
		images[i] = s.batch[partner]
	}
	s.drawTarget(s.program.Second, images)
	copy(s.small[s.program.First], s.mix.First)
}

// drawImage makes image n of the batch, mixed with its partner where the program mixes images.
func (s *session) drawImage(w *worker, dst view, p *place, n int) {
	s.drawSample(dst, p, n)
	if s.mix == nil {
		return
	}
	pitch := p.shape.w * p.shape.c
	if len(w.second) < p.shape.h*pitch {
		w.second = make([]float32, p.shape.h*pitch)
	}
	second := view{data: w.second, pitch: pitch}
	s.drawSample(second, p, int(s.mix.Partners[n]))
	s.kernels.mix(dst, second, p.shape, s.mix)
}

// drawSample makes the image of place n of the batch: cropped and flipped in training, in the middle otherwise; padding is zero.
func (s *session) drawSample(dst view, p *place, n int) {
	index := s.batch[n]
	if index < 0 {
		for y := range p.shape.h {
			clear(dst.from(y, 0, p.shape.c).rows(1, p.shape.w*p.shape.c))
		}
		return
	}
	m := s.images
	border := data.Border(m.Height)
	c := crop{border: border, dy: border, dx: border, outside: s.program.Pixels.Border}
	if s.program.Augment {
		epoch, draw := s.program.Draw(s.first + n)
		window := data.Augment(s.program.Seed, epoch, draw, int(index), m.Height)
		c.dy, c.dx, c.flip, c.side = window.DY, window.DX, window.Flip, s.program.Cutout
		c.top, c.left = window.Hole(c.side, m.Height, m.Width)
		if s.program.Resized.Draws() {
			c.part = data.Resized(s.program.Resized).Draw(s.program.Seed, epoch, draw, int(index), m.Height, m.Width)
		}
	}
	err := m.Read(int(index), func(pixels []byte) { s.kernels.image(dst, pixels, s.table, m.Channels, m.Height, m.Width, c) })
	if err != nil {
		s.unread.CompareAndSwap(nil, &err)
	}
}
