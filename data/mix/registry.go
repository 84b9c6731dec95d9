package mix

import "longtail/internal/options"

// Option is a number that a rule is given, the key train.mix_NAME of a config.
type Option = options.Option

// Options are values of a rule's options by name; what is not given has its default.
type Options = options.Options

var registry = options.Registry[Rule]{Kind: "rule of mixing", OneDefault: true}

// Register makes a rule known under a name, a value of the key train.mix, with the options that it has. It is called from init; a taken
// name is a panic, and so is an option that is a word or has an abbreviation, or whose name another rule uses with another default or other
// bounds.
func Register(name string, make func(Options) Rule, options ...Option) {
	if name == None {
		panic("mix: " + None + " is no mixing")
	}
	for _, o := range options {
		if o.Choices != nil || o.Short != "" {
			panic("mix: the option " + o.Name + " of " + name + " is no plain number")
		}
	}
	registry.Register(name, make, options...)
}

// Names are the registered rules, in alphabetical order.
func Names() []string { return registry.Names() }

// Choices are the values of the key train.mix: None and the registered rules.
func Choices() []string { return append([]string{None}, Names()...) }

// OptionsOf are the options of a rule; none for None and for an unknown name.
func OptionsOf(name string) []Option { return registry.OptionsOf(name) }

// AllOptions are the options of all rules, by name.
func AllOptions() []Option { return registry.AllOptions() }

// UsersOf are the rules that have an option, in alphabetical order.
func UsersOf(option string) (rules []string) {
	rules, _ = registry.UsersOf(option)
	return rules
}
