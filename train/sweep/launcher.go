package sweep

import (
	"context"
	"maps"
	"slices"
	"strings"

	"longtail/internal/fail"
)

// Launcher does the runs of a sweep that are not done, somewhere, and gives a result for each plan. It may return before they
// are done: their states say how far they are.
type Launcher func(ctx context.Context, plans []Plan, o Options) ([]Result, error)

// Local is the launcher that trains in this process: Execute.
const Local = "local"

var launchers = map[string]Launcher{Local: Execute}

// RegisterLauncher makes a launcher known under a name. It is called from init; a taken name is a panic.
func RegisterLauncher(name string, l Launcher) {
	if _, taken := launchers[name]; taken {
		panic("sweep: launcher " + name + " is registered twice")
	}
	launchers[name] = l
}

// Launchers are the names of the known launchers.
func Launchers() []string { return slices.Sorted(maps.Keys(launchers)) }

// Launch does the runs with the launcher of that name; an unknown one is a usage error.
func Launch(ctx context.Context, name string, plans []Plan, o Options) ([]Result, error) {
	l, ok := launchers[name]
	if !ok {
		return nil, fail.Usage("--launcher %s: there is no such launcher\nchoose one of %s", name, strings.Join(Launchers(), ", "))
	}
	return l(ctx, plans, o)
}
