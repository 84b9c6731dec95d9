package config

import (
	"longtail/data"
	"longtail/internal/fail"
)

// maxRatio bounds how many times longer than the other one a side of a crop may be.
const maxRatio = 10

// checkCrop finds impossible values of the keys of crops, and such that contradict each other.
func (c *Config) checkCrop() error {
	for _, r := range []struct {
		key         string
		limits      []float64
		least, most float64
		want        string
	}{
		{"data.scale", c.Data.Scale, 0, 1, "two areas above 0 and up to 1, that of the whole image, the smaller one first, such as [0.08, 1]"},
		{"data.ratio", c.Data.Ratio, 1. / maxRatio, maxRatio, "two ratios of width to height from 0.1 to 10, the smaller one first, such as [0.75, 1.3333]"},
	} {
		l := r.limits
		switch {
		case len(l) != 2 || l[0] <= 0 || l[0] < r.least || l[0] > l[1] || l[1] > r.most:
			return fail.Usage("%s: %s=%s is impossible: it must be %s", c.Place(r.key), r.key, c.Value(r.key), r.want)
		case c.Data.Crop != data.ResizedCrop && c.Value(r.key) != laterDefaults()[r.key]:
			return fail.Usage("%s: %s=%s has no meaning with data.crop=%s\nleave it out, or use data.crop=%s", c.Place(r.key), r.key, c.Value(r.key), c.Data.Crop, data.ResizedCrop)
		}
	}
	if c.Data.Crop == data.ResizedCrop && c.Data.Augment == data.NoAugment {
		return fail.Usage("%s: data.crop=%s contradicts data.augment=%s, which crops nothing\nuse data.augment=standard, or leave data.crop out", c.Place("data.crop"), c.Data.Crop, data.NoAugment)
	}
	return nil
}
