package adding

import (
	"longtail/data/mix"
	"longtail/internal/plan"
)

func init() {
	mix.Register("halves", func(o mix.Options) mix.Rule { return halves{o["part"]} },
		mix.Option{Name: "part", Default: 0.5, Min: 0, Max: 1, Doc: "of the image's rows that are the second image's"})
}

// halves puts the lower rows of one image below the upper ones of another.
type halves struct{ part float64 }

func (h halves) Mix(b *mix.Batch) plan.Mixture {
	rows := int(h.part * float64(b.Height))
	m := b.Blend(1 - float32(rows)/float32(b.Height))
	m.Share, m.Box = 1, plan.Box{Top: int32(b.Height - rows), Bottom: int32(b.Height), Right: int32(b.Width)}
	return m
}
