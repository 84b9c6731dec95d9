package config

import (
	"reflect"
	"slices"
	"strings"

	"longtail/data/mix"
	"longtail/internal/fail"
)

// mixPrefix is that of the keys of the options of mixing.
const mixPrefix = "train.mix_"

// NewMixing is the mixing of a run; nil where the config asks for none.
func (c *Config) NewMixing(s mix.Set) (*mix.Mixing, error) {
	if c.Train.Mix == mix.None {
		return nil, nil
	}
	options := mix.Options{}
	for _, o := range mix.OptionsOf(c.Train.Mix) {
		options[o.Name] = *c.mixing[o.Name]
	}
	return mix.New(c.Train.Mix, options, s)
}

// defaultMixing are the options of all rules at their defaults.
func defaultMixing() map[string]*float64 {
	options := map[string]*float64{}
	for _, o := range mix.AllOptions() {
		options[o.Name] = &o.Default
	}
	return options
}

// copied are numbers of its own by the same names.
func copied(numbers map[string]*float64) map[string]*float64 {
	all := map[string]*float64{}
	for name, v := range numbers {
		number := *v
		all[name] = &number
	}
	return all
}

// mixes reports whether the chosen rule has an option.
func (c *Config) mixes(option string) bool {
	return slices.ContainsFunc(mix.OptionsOf(c.Train.Mix), func(o mix.Option) bool { return o.Name == option })
}

// mixingEntries are the keys of the options of mixing.
func (c *Config) mixingEntries() []entry {
	var all []entry
	for _, o := range mix.AllOptions() {
		all = append(all, entry{key: mixPrefix + o.Name, value: reflect.ValueOf(c.mixing[o.Name]).Elem(), unused: !c.mixes(o.Name)})
	}
	return all
}

// mixingParts are the words of RunName for mixed images: mixup-alpha0.2. An option at its default is left out.
func (c *Config) mixingParts() []string {
	if c.Train.Mix == mix.None {
		return nil
	}
	parts := []string{c.Train.Mix}
	for _, o := range mix.OptionsOf(c.Train.Mix) {
		if v := *c.mixing[o.Name]; v != o.Default {
			parts = append(parts, o.Name+number64(v))
		}
	}
	return parts
}

// checkMixing compares the options of mixing with their bounds. One that the chosen rule lacks must have its default.
func (c *Config) checkMixing() error {
	for _, o := range mix.AllOptions() {
		key, v := mixPrefix+o.Name, *c.mixing[o.Name]
		switch {
		case !o.Allows(v):
			return fail.Usage("%s: %s=%v is impossible: it must be %s", c.Place(key), key, v, o.Wants())
		case v != o.Default && !c.mixes(o.Name):
			return fail.Usage("%s: %s=%v has no meaning with train.mix=%s\nleave it out; it is an option of train.mix=%s", c.Place(key), key, v, c.Train.Mix, strings.Join(mix.UsersOf(o.Name), ", "))
		}
	}
	return nil
}
