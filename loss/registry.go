package loss

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Option is a number or a word that a loss is given, the key loss.NAME of a config.
type Option struct {
	Name     string
	Default  float64
	Min, Max float64  // of a number; both allowed
	Choices  []string // of a word, the default first; nil for a number
	Short    string   // its abbreviation in the names of runs; empty: its name, where it differs from the default
	Doc      string   // what it is, in a few words
}

// Options are values of a loss's options by name; what is not given has its default. A word is its index in Choices.
type Options map[string]float64

// entry is a registered loss.
type entry struct {
	make    func(Options) Loss
	options []Option
}

var registry = map[string]entry{}

// Register makes a loss known under a name, with the options that it has. It is called from init; a taken name is a panic, and
// so is an option whose name another loss uses with other bounds or choices.
func Register(name string, make func(Options) Loss, options ...Option) {
	if _, taken := registry[name]; taken {
		panic("loss: " + name + " is registered twice")
	}
	for _, o := range options {
		for _, known := range AllOptions() {
			if known.Name == o.Name && (known.Min != o.Min || known.Max != o.Max || !slices.Equal(known.Choices, o.Choices)) {
				panic("loss: the option " + o.Name + " of " + name + " has other bounds or choices elsewhere")
			}
		}
	}
	registry[name] = entry{make, options}
}

// Names are the known losses, in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }

// OptionsOf are the options of a loss; none for an unknown name.
func OptionsOf(name string) []Option { return registry[name].options }

// UsersOf are the losses that have an option, in alphabetical order, and its default for each.
func UsersOf(option string) (losses []string, defaults []float64) {
	for _, name := range Names() {
		for _, o := range registry[name].options {
			if o.Name == option {
				losses, defaults = append(losses, name), append(defaults, o.Default)
			}
		}
	}
	return losses, defaults
}

// AllOptions are the options of all losses, by name; where losses share a name, that of the first loss in alphabetical order.
func AllOptions() []Option {
	var all []Option
	for _, name := range Names() {
		for _, o := range registry[name].options {
			if !slices.ContainsFunc(all, func(known Option) bool { return known.Name == o.Name }) {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b Option) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// New makes the loss of that name. An unknown name, an option that the loss does not have, and a value out of bounds are errors.
func New(name string, given Options) (Loss, error) {
	e, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("there is no loss %q; there are %v", name, Names())
	}
	values := Options{}
	for _, o := range e.options {
		values[o.Name] = o.Default
		v, set := given[o.Name]
		if !set {
			continue
		}
		if !o.Allows(v) {
			return nil, fmt.Errorf("the loss %s wants %s %s, not %v", name, o.Name, o.Wants(), v)
		}
		values[o.Name] = v
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if _, known := values[key]; !known {
			return nil, fmt.Errorf("the loss %s has no option %q", name, key)
		}
	}
	return e.make(values), nil
}

// Allows reports whether a value is a number within the bounds, or the index of a choice.
func (o Option) Allows(v float64) bool {
	if o.Choices != nil {
		return v == math.Trunc(v) && v >= 0 && v < float64(len(o.Choices))
	}
	return !math.IsNaN(v) && v >= o.Min && v <= o.Max
}

// Wants says which values are allowed: "from 0 to 1".
func (o Option) Wants() string {
	if o.Choices != nil {
		return "as one of " + strings.Join(o.Choices, ", ")
	}
	return fmt.Sprintf("from %v to %v", o.Min, o.Max)
}
