package cpu

import (
	"math"
	"testing"

	"longtail/data"
	"longtail/data/mix"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
	"longtail/internal/rng"
)

// Every number of every image of a batch that is mixed by a rule is bit for bit the one that package data and plan.Mixture say; the border
// around it stays as it is.
func TestMixedImagesAreThoseOfTheirMixture(t *testing.T) {
	m := randomImages(11)
	order := []int32{3, 10, 0, 7, 7, 1}
	for _, rule := range mix.Names() {
		mixing, err := mix.New(rule, nil, mix.Set{Seed: 5, Counts: []int{6, 3, 2}, Height: m.Height, Width: m.Width})
		if err != nil {
			t.Fatal(err)
		}
		for _, standard := range []bool{false, true} {
			o := plan.Options{Train: true, Augment: true, Cutout: 6, Mix: mixing, Seed: 1<<40 + 77, Samples: m.Len(), Repeats: standard}
			s := imageSession(t, o, standard, len(order), m)
			for step := range 4 {
				s.compareImages(t, rule, order, step)
			}
		}
	}
}

// randomImages are n images of 3 x 20 x 12 bytes in 3 classes.
func randomImages(n int) data.Images {
	m := data.Images{Pixels: make([]byte, n*3*20*12), Labels: make([]int32, n), Classes: 3, Channels: 3, Height: 20, Width: 12}
	r := rng.New(8, rng.Synthetic, 0, 0)
	for i := range m.Pixels {
		m.Pixels[i] = byte(r.Uint32())
	}
	for i := range m.Labels {
		m.Labels[i] = int32(r.Intn(m.Classes))
	}
	return m
}

// imageSession is a session of a small network.
func imageSession(t *testing.T, o plan.Options, standard bool, batch int, m data.Images) *session {
	t.Helper()
	n := programtest.Network("resnet8", "subsample", "softmax", m.Classes, 0)
	n.Image.Height, n.Image.Width = m.Height, m.Width
	if standard {
		in, err := data.NewInput(data.StandardInput, 3)
		if err != nil {
			t.Fatal(err)
		}
		n.Pixels = plan.Pixels(in)
	}
	p, _, err := n.Plan(batch, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(1).Open(p, device.FP32, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*session)
}

// compareImages draws the batch of a step.
func (s *session) compareImages(t *testing.T, rule string, order []int32, step int) {
	t.Helper()
	mixtures, err := device.Mixtures(s.program, s.images.Labels, order, step)
	if err != nil {
		t.Fatal(err)
	}
	s.batch, s.first, s.mix = order, step*len(order), &mixtures[0]
	const pad = 1
	h, w := s.images.Height, s.images.Width
	to := &place{shape: area{h, w, 4}, pad: pad}
	pitch := (w + 2*pad) * 4
	for n := range order {
		block := make([]float32, to.padded())
		for i := range block {
			block[i] = 99
		}
		s.drawImage(&worker{}, view{data: block, off: pad * (pitch + 4), pitch: pitch}, to, n)
		for i, got := range block {
			y, x, c := i/pitch-pad, i%pitch/4-pad, i%4
			want := float32(99)
			if y >= 0 && y < h && x >= 0 && x < w {
				want = programtest.Mixed(&s.program.Options, s.program.Pixels, s.images, s.mix, order, s.first, n, y, x, c)
			}
			if math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("%s, step %d, image %d: channel %d of pixel (%d, %d) is %v, want %v", rule, step, n, c, y, x, got, want)
			}
		}
	}
}
