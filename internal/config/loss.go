package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"longtail/data/mix"
	"longtail/internal/fail"
	"longtail/loss"
)

// Loss is the section loss. Its further keys are the options of the registered losses; those of the chosen one count.
type Loss struct {
	Name         string  `key:"name"`                      // one of loss.Names
	Beta         float64 `key:"beta"`                      // in [0, 1), of effective numbers
	Weights      string  `key:"weights"`                   // one of loss.Weightings; not given: effective where beta is above 0, else none
	Divisor      string  `key:"divisor" later:"yes"`       // one of loss.Divisors
	ReweightFrom float64 `key:"reweight_from" later:"yes"` // completed epochs from which the weights hold; before, all classes weigh the same

	options map[string]any // of all losses, by name: *float64, or *string of a word
}

// newLoss is the section with the defaults of all options.
func newLoss() Loss {
	l := Loss{Name: "softmax", Weights: loss.Unweighted, Divisor: loss.BySamples, options: map[string]any{}}
	for _, o := range loss.AllOptions() {
		l.set(o)
	}
	return l
}

// set gives an option its default.
func (l *Loss) set(o loss.Option) {
	if o.Choices != nil {
		word := o.Choices[int(o.Default)]
		l.options[o.Name] = &word
		return
	}
	l.options[o.Name] = &o.Default
}

// clone is a copy that shares nothing.
func (l Loss) clone() Loss {
	l.options = maps.Clone(l.options)
	for name, v := range l.options {
		switch v := v.(type) {
		case *float64:
			copied := *v
			l.options[name] = &copied
		case *string:
			copied := *v
			l.options[name] = &copied
		}
	}
	return l
}

// Options are the values of the options that the chosen loss has.
func (l *Loss) Options() loss.Options {
	options := loss.Options{}
	for _, o := range loss.OptionsOf(l.Name) {
		switch v := l.options[o.Name].(type) {
		case *float64:
			options[o.Name] = *v
		case *string:
			options[o.Name] = float64(slices.Index(o.Choices, *v))
		}
	}
	return options
}

// deriveLoss computes the weights and options that were not given.
func (c *Config) deriveLoss() {
	if !c.Given("loss.weights") {
		c.Loss.Weights = c.Loss.implied()
	}
	for _, o := range loss.OptionsOf(c.Loss.Name) {
		if !c.Given("loss." + o.Name) {
			c.Loss.set(o)
		}
	}
}

// implied are the weights that follow from beta.
func (l *Loss) implied() string {
	if l.Beta > 0 {
		return loss.Effective
	}
	return loss.Unweighted
}

// optionEntries are the keys of the losses' options.
func (c *Config) optionEntries() []entry {
	var all []entry
	for _, o := range loss.AllOptions() {
		users, _ := loss.UsersOf(o.Name)
		used := slices.Contains(users, c.Loss.Name)
		all = append(all, entry{key: "loss." + o.Name, value: reflect.ValueOf(c.Loss.options[o.Name]).Elem(), unused: !used})
	}
	return all
}

// unused reports whether a key of the section, besides options, has no meaning beside the others.
func (l *Loss) unused(key string) bool {
	switch key {
	case "loss.beta":
		return l.Weights == loss.Inverse || l.Weights == loss.SqrtInverse
	case "loss.reweight_from":
		return l.Weights == loss.Unweighted
	}
	return false
}

// checkLoss compares options with their bounds, and finds keys of the section that have no meaning beside the others.
func (c *Config) checkLoss() error {
	for _, o := range loss.AllOptions() {
		if err := c.checkOption(o); err != nil {
			return err
		}
	}
	l := &c.Loss
	switch {
	case l.Weights == loss.Effective && l.Beta == 0 && !c.Given("loss.beta"):
		return fail.Usage("%s: loss.weights=effective wants loss.beta, without which all classes weigh the same\ngive one above 0 and below 1, such as loss.beta=0.9999",
			c.Place("loss.weights"))
	case l.Weights != loss.Effective && l.Beta != 0:
		return fail.Usage("%s: loss.beta=%v is not used with loss.weights=%s; loss.weights=effective uses it\nleave one of them out", c.Place("loss.beta"), l.Beta, l.Weights)
	case l.Weights == loss.Unweighted && l.ReweightFrom != 0:
		return fail.Usage("%s: loss.reweight_from=%v changes nothing without class weights\nchoose them with loss.beta=0.9999 or loss.weights=inverse, or leave loss.reweight_from at 0",
			c.Place("loss.reweight_from"), l.ReweightFrom)
	case l.ReweightFrom >= c.Train.Epochs:
		return fail.Usage("%s: loss.reweight_from=%v is never reached: train.epochs=%v\nlower loss.reweight_from, or leave it at 0 for the whole run",
			c.Place("loss.reweight_from"), l.ReweightFrom, c.Train.Epochs)
	}
	return nil
}

func (c *Config) checkOption(o loss.Option) error {
	key := "loss." + o.Name
	switch v := c.Loss.options[o.Name].(type) {
	case *float64:
		if !o.Allows(*v) {
			return fail.Usage("%s: %s=%v is impossible: it must be %s", c.Place(key), key, *v, o.Wants())
		}
	case *string:
		if err := c.checkChoice(key, *v, o.Choices); err != nil {
			return err
		}
	}
	if users := c.idle(o); users != nil {
		return fail.Usage("%s: %s=%s: loss.name=%s does not use it; %s does\nleave it out, or choose such a loss", c.Place(key), key, c.Value(key), c.Loss.Name, strings.Join(users, ", "))
	}
	return nil
}

// idle are the losses that use an option which was given a value of its own and which the chosen loss does not have; nil where that
// is not so.
func (c *Config) idle(o loss.Option) []string {
	users, defaults := loss.UsersOf(o.Name)
	if !c.Given("loss."+o.Name) || slices.Contains(users, c.Loss.Name) {
		return nil
	}
	for _, d := range defaults {
		usual := number64(d)
		if o.Choices != nil {
			usual = o.Choices[int(d)]
		}
		if c.Value("loss."+o.Name) == usual {
			return nil
		}
	}
	return users
}

// DropUnused forgets the shortcut, the keys of the section loss and those of mixing that have no meaning beside the others, as a list of
// networks, losses, weights or rules gives them to runs that do not use them.
func (c *Config) DropUnused() {
	if c.unused("model.shortcut") {
		c.Model.Shortcut = Defaults().Model.Shortcut
		delete(c.places, "model.shortcut")
	}
	for _, o := range loss.AllOptions() {
		if c.idle(o) != nil {
			c.Loss.set(o)
			delete(c.places, "loss."+o.Name)
		}
	}
	for _, o := range mix.AllOptions() {
		if !c.mixes(o.Name) {
			*c.mixing[o.Name] = o.Default
			delete(c.places, mixPrefix+o.Name)
		}
	}
	l := &c.Loss
	if c.Given("loss.weights") && l.Weights != loss.Effective {
		l.Beta = 0
		delete(c.places, "loss.beta")
		if l.Weights == loss.Unweighted {
			l.ReweightFrom = 0
			delete(c.places, "loss.reweight_from")
		}
	}
}

// nameParts are the words of RunName for options and weights: g1, b0.9999. An option that has no abbreviation stands with its name, where
// it differs from its default.
func (l *Loss) nameParts() []string {
	var parts []string
	for _, o := range loss.OptionsOf(l.Name) {
		switch v := l.options[o.Name].(type) {
		case *string:
			if *v != o.Choices[int(o.Default)] {
				parts = append(parts, *v)
			}
		case *float64:
			if o.Short != "" {
				parts = append(parts, o.Short+number64(*v))
			} else if *v != o.Default {
				parts = append(parts, o.Name+number64(*v))
			}
		}
	}
	switch {
	case l.Weights == loss.Inverse || l.Weights == loss.SqrtInverse:
		parts = append(parts, l.Weights)
	case l.Beta > 0:
		parts = append(parts, "b"+number64(l.Beta))
	}
	if l.ReweightFrom > 0 {
		parts = append(parts, "from"+number64(l.ReweightFrom))
	}
	if l.Divisor != loss.BySamples {
		parts = append(parts, fmt.Sprintf("by_%s", l.Divisor))
	}
	return parts
}
