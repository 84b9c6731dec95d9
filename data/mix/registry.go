package mix

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Option is a number that a rule is given, the key train.mix_NAME of a config.
type Option struct {
	Name     string
	Default  float64
	Min, Max float64 // both allowed
	Doc      string  // what it is, in a few words
}

// Options are values of a rule's options by name; what is not given has its default.
type Options map[string]float64

// entry is a registered rule.
type entry struct {
	make    func(Options) Rule
	options []Option
}

var registry = map[string]entry{}

// Register makes a rule known under a name, a value of the key train.mix, with the options that it has. It is called from init; a taken
// name is a panic, and so is an option whose name another rule uses with another default or other bounds.
func Register(name string, make func(Options) Rule, options ...Option) {
	if _, taken := registry[name]; taken || name == None {
		panic("mix: " + name + " is registered twice")
	}
	for _, o := range options {
		for _, known := range AllOptions() {
			if known.Name == o.Name && (known.Default != o.Default || known.Min != o.Min || known.Max != o.Max) {
				panic("mix: the option " + o.Name + " of " + name + " has another default or other bounds elsewhere")
			}
		}
	}
	registry[name] = entry{make, options}
}

// Names are the registered rules, in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }

// Choices are the values of the key train.mix: None and the registered rules.
func Choices() []string { return append([]string{None}, Names()...) }

// OptionsOf are the options of a rule; none for None and for an unknown name.
func OptionsOf(name string) []Option { return registry[name].options }

// AllOptions are the options of all rules, by name.
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

// UsersOf are the rules that have an option, in alphabetical order.
func UsersOf(option string) (rules []string) {
	for _, name := range Names() {
		if slices.ContainsFunc(registry[name].options, func(o Option) bool { return o.Name == option }) {
			rules = append(rules, name)
		}
	}
	return rules
}

// newRule finds a rule by name. Options that it lacks, and values out of bounds, are errors.
func newRule(name string, given Options) (Rule, error) {
	e, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("no rule of mixing %q; there are %s", name, strings.Join(Names(), ", "))
	}
	values := Options{}
	for _, o := range e.options {
		values[o.Name] = o.Default
		if v, ok := given[o.Name]; ok {
			if !o.Allows(v) {
				return nil, fmt.Errorf("the mixing %s wants %s from %v to %v, not %v", name, o.Name, o.Min, o.Max, v)
			}
			values[o.Name] = v
		}
	}
	for _, o := range slices.Sorted(maps.Keys(given)) {
		if _, known := values[o]; !known {
			return nil, fmt.Errorf("the mixing %s has no option %s", name, o)
		}
	}
	return e.make(values), nil
}

// Allows reports whether a value is a number within the bounds.
func (o Option) Allows(v float64) bool { return !math.IsNaN(v) && v >= o.Min && v <= o.Max }
