// Package options is the registry of things that are chosen by name and made from options: losses, rules of mixing. Each kind has a
// Registry of its own; a config takes its keys from there.
package options

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Option is a number or a word that a registered thing is given, a key of a config.
type Option struct {
	Name     string
	Default  float64
	Min, Max float64  // of a number; both allowed
	Choices  []string // of a word, the default first; nil for a number
	Short    string   // its abbreviation in the names of runs; empty: its name, where it differs from the default
	Doc      string   // what it is, in a few words
}

// Options are values of options by name; what is not given has its default. A word is its index in Choices.
type Options map[string]float64

// Registry are things of one kind by name, each with its options.
type Registry[T any] struct {
	Kind       string // in words, for messages: "loss"
	OneDefault bool   // an option that several share has one default
	registered map[string]entry[T]
	names      []string // of the registered ones, in alphabetical order
	all        []Option // what AllOptions gives
}

type entry[T any] struct {
	make    func(Options) T
	options []Option
}

// Register makes a thing known under a name, with the options that it has. A taken name is a panic, and so is an option whose name another
// one uses in another way.
func (r *Registry[T]) Register(name string, make func(Options) T, options ...Option) {
	if _, taken := r.registered[name]; taken {
		panic(r.Kind + ": " + name + " is registered twice")
	}
	for _, o := range options {
		for _, known := range r.AllOptions() {
			if known.Name == o.Name && !r.agree(known, o) {
				panic(r.Kind + ": the option " + o.Name + " of " + name + " is another one elsewhere")
			}
		}
	}
	if r.registered == nil {
		r.registered = map[string]entry[T]{}
	}
	r.registered[name] = entry[T]{make, options}
	r.names = slices.Sorted(maps.Keys(r.registered))
	r.all = r.collect()
}

// agree reports whether two options of a name can be one key of a config.
func (r *Registry[T]) agree(a, b Option) bool {
	return a.Min == b.Min && a.Max == b.Max && slices.Equal(a.Choices, b.Choices) && (!r.OneDefault || a.Default == b.Default)
}

// Names are the registered ones, in alphabetical order.
func (r *Registry[T]) Names() []string { return slices.Clone(r.names) }

// OptionsOf are the options of one; none for an unknown name.
func (r *Registry[T]) OptionsOf(name string) []Option { return r.registered[name].options }

// UsersOf are those that have an option, in alphabetical order, and its default for each.
func (r *Registry[T]) UsersOf(option string) (names []string, defaults []float64) {
	for _, name := range r.names {
		for _, o := range r.OptionsOf(name) {
			if o.Name == option {
				names, defaults = append(names, name), append(defaults, o.Default)
			}
		}
	}
	return names, defaults
}

// AllOptions are the options of all, by name; of one that several share, that of the first in alphabetical order.
func (r *Registry[T]) AllOptions() []Option { return slices.Clone(r.all) }

func (r *Registry[T]) collect() (all []Option) {
	for _, name := range r.names {
		for _, o := range r.OptionsOf(name) {
			if !slices.ContainsFunc(all, func(known Option) bool { return known.Name == o.Name }) {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b Option) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// New makes the one of that name. An unknown name, an option that it does not have, and a value out of bounds are errors.
func (r *Registry[T]) New(name string, given Options) (made T, err error) {
	e, ok := r.registered[name]
	if !ok {
		return made, fmt.Errorf("there is no %s %q; there are %s", r.Kind, name, strings.Join(r.Names(), ", "))
	}
	values := Options{}
	for _, o := range e.options {
		values[o.Name] = o.Default
		v, set := given[o.Name]
		if !set {
			continue
		}
		if !o.Allows(v) {
			return made, fmt.Errorf("the %s %s wants %s %s, not %v", r.Kind, name, o.Name, o.Wants(), v)
		}
		values[o.Name] = v
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if _, known := values[key]; !known {
			return made, fmt.Errorf("the %s %s has no option %q", r.Kind, name, key)
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
