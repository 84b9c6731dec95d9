package main

import (
	"longtail/data/picture"
	"longtail/internal/fail"

	"github.com/spf13/pflag"
)

// maxMegapixels bounds --max-megapixels: an image takes up to eight bytes a pixel and twice as much where it is interlaced.
const maxMegapixels = 1000

// imageLimits is the flag of commands that decode images of users.
type imageLimits struct{ megapixels int64 }

func (l *imageLimits) add(f *pflag.FlagSet) {
	f.Int64Var(&l.megapixels, "max-megapixels", picture.DefaultLimits().Pixels/1_000_000, "largest image that is decoded, millions of pixels")
}

// limits are those that the flag asks for.
func (l *imageLimits) limits() (picture.Limits, error) {
	limits := picture.DefaultLimits()
	if l.megapixels < 1 || l.megapixels > maxMegapixels {
		return limits, fail.Usage("--max-megapixels %d: use a number from 1 to %d", l.megapixels, maxMegapixels)
	}
	limits.Pixels = l.megapixels * 1_000_000
	return limits, nil
}
