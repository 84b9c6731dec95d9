package loss

import "longtail/internal/options"

// Option is a number or a word that a loss is given, the key loss.NAME of a config.
type Option = options.Option

// Options are values of a loss's options by name; what is not given has its default. A word is its index in Choices.
type Options = options.Options

var registry = options.Registry[Loss]{Kind: "loss"}

// Register makes a loss known under a name, with the options that it has. It is called from init; a taken name is a panic, and
// so is an option whose name another loss uses with other bounds or choices.
func Register(name string, make func(Options) Loss, options ...Option) {
	registry.Register(name, make, options...)
}

// Names are the known losses, in alphabetical order.
func Names() []string { return registry.Names() }

// OptionsOf are the options of a loss; none for an unknown name.
func OptionsOf(name string) []Option { return registry.OptionsOf(name) }

// UsersOf are the losses that have an option, in alphabetical order, and its default for each.
func UsersOf(option string) (losses []string, defaults []float64) { return registry.UsersOf(option) }

// AllOptions are the options of all losses, by name; where losses share a name, that of the first loss in alphabetical order.
func AllOptions() []Option { return registry.AllOptions() }

// New makes the loss of that name. An unknown name, an option that the loss does not have, and a value out of bounds are errors.
func New(name string, given Options) (Loss, error) { return registry.New(name, given) }
