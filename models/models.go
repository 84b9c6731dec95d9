// Package models holds the networks as Gorgonia graphs.
//
// A network is one file: it registers its name and draws its layers with a [Builder], which keeps the parameters, their initial
// values and the batch-norm statistics. The graph is pure mathematics in logical layout; how it is trained is not known here.
//
//	func init() { models.Register("tiny", func(b *models.Builder, x *G.Node) *G.Node { return b.Average(b.Conv(x, "conv", 8, 3, 1)) }) }
//	net, err := models.Build(images, models.Config{Name: "tiny", Classes: 10, Shortcut: "avgpool", Init: "glorot"}, ops.Head{}, true)
package models

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
)

// Config says which network to build.
type Config struct {
	Name     string // one of Names
	Classes  int    // C, at least 2
	Shortcut string // one of Shortcuts
	Init     string // one of Inits
	Frozen   bool   // only the classifier is trained: norms take their running moments, and other parameters keep their values

	ClassScale       bool // logits are multiplied by a learned number for each class
	FrozenClassifier bool // weights and bias of the classifier keep their values; the scale of the classes is trained
}

// Net is a network in a graph.
type Net struct {
	Features *G.Node // [N, F], what the classifier reads
	Logits   *G.Node // [N, C]
	Params   []ops.Param
	Stats    []ops.Stat // of a training network; an evaluation network, and a frozen one, has inputs of these names instead
	Inputs   []*G.Node  // running moments [2, C], of an evaluation network or a frozen one
}

// Network draws a network on images x [N, I, H, W] and returns the features [N, F]; the classifier behind them is the same for
// all networks.
type Network func(b *Builder, x *G.Node) *G.Node

// Choice is a key of Config that a network may leave to its user.
type Choice int

// ChoosesShortcut says that a network draws its shortcuts with [Builder.Shortcut], as Config.Shortcut wants them.
const ChoosesShortcut Choice = iota

// registered is a network and what it leaves to its user.
type registered struct {
	draw    Network
	choices []Choice
}

var registry = map[string]registered{}

// Register makes a network known under a name. It is called from init; a taken name is a panic.
func Register(name string, draw Network, choices ...Choice) {
	if _, taken := registry[name]; taken {
		panic("models: " + name + " is registered twice")
	}
	registry[name] = registered{draw, choices}
}

// Chooses reports whether a network leaves a choice to its user; it does for names that are not known, so that they are what is reported.
func Chooses(name string, choice Choice) bool {
	n, known := registry[name]
	return !known || slices.Contains(n.choices, choice)
}

// Names are the known networks, shorter names first.
func Names() []string {
	return slices.SortedFunc(maps.Keys(registry), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

// Build draws the network on images x [N, I, H, W] with the head that the loss asks for. A training network normalises by
// the moments of the batch, an evaluation network by running moments that are inputs. Unknown names in c, fewer than 2 classes
// and images that are not [N, I, H, W], or that a shortcut cannot halve, are errors.
func Build(x *G.Node, c Config, h ops.Head, training bool) (Net, error) {
	network, ok := registry[c.Name]
	switch {
	case !ok:
		return Net{}, fmt.Errorf("there is no model %q; there are %v", c.Name, Names())
	case !slices.Contains(Shortcuts(), c.Shortcut):
		return Net{}, fmt.Errorf("there is no shortcut %q; there are %v", c.Shortcut, Shortcuts())
	case !slices.Contains(Inits(), c.Init):
		return Net{}, fmt.Errorf("there is no initialisation %q; there are %v", c.Init, Inits())
	case c.Classes < 2:
		return Net{}, fmt.Errorf("a classifier needs at least 2 classes, not %d", c.Classes)
	case x == nil || x.Dims() != 4:
		return Net{}, fmt.Errorf("a network wants images [N, I, H, W], not %v", x)
	}
	b := &Builder{config: c, training: training && !c.Frozen, frozen: c.Frozen, graph: x.Graph()}
	b.net.Features = network.draw(b, x)
	b.net.Logits = b.logits(b.net.Features, h)
	if b.err != nil {
		return Net{}, fmt.Errorf("building %s: %w", c.Name, b.err)
	}
	return b.net, nil
}

// Parameters is the number of values that training can change, frozen ones included.
func (n Net) Parameters() int {
	count := 0
	for _, p := range n.Params {
		count += p.Node.Shape().TotalSize()
	}
	return count
}
