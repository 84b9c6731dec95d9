package adding

import (
	"context"

	"longtail/data"
	"longtail/internal/rng"
)

func init() {
	data.Register(data.Set{
		Name: "stripes3", Classes: []string{"across", "down", "checks"}, Channels: 3, Height: 16, Width: 16,
		Train: []int{24, 24, 24}, Test: []int{8, 8, 8}, Drawn: true,
		Open: func(_ context.Context, s data.Spec, _ bool) (data.Pool, error) { return stripes{s.SplitSeed}, nil },
	})
}

// stripes is a set of noisy stripes and checks, 3 x 16 x 16 bytes; the classes come in turn.
type stripes struct{ seed uint64 }

func (stripes) Labels(test bool) []int32 {
	n := 72
	if test {
		n = 24
	}
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(i % 3)
	}
	return labels
}

func (s stripes) Images(_ context.Context, test bool, indices []int32) (data.Images, error) {
	set, err := data.Lookup("stripes3")
	if err != nil {
		return data.Images{}, err
	}
	m, labels := set.NewImages(len(indices)), s.Labels(test)
	for i, index := range indices {
		m.Labels[i] = labels[index]
		part := uint32(0)
		if test {
			part = 1
		}
		noise := rng.New(s.seed, rng.Synthetic, part, uint32(index))
		for k := range m.Image(i) {
			y, x := k/16%16, k%16
			on := [3]int{y / 4 % 2, x / 4 % 2, (y/4 + x/4) % 2}[labels[index]]
			m.Image(i)[k] = byte(60 + 100*on + noise.Intn(60))
		}
	}
	return m, nil
}
