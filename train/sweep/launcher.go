package sweep

import (
	"context"
	"maps"
	"slices"
	"strings"

	"longtail/internal/config/grid"
	"longtail/internal/fail"
)

// Launcher does the runs of a sweep that are not done, somewhere, and gives a result for each plan. It may return before they
// are done: their states say how far they are.
type Launcher func(ctx context.Context, plans []Plan, o Options) ([]Result, error)

// Remote is what launchers that hand the runs to a scheduler need beyond the rest of Options.
type Remote struct {
	Grid    *grid.Grid // of the plans
	Program []string   // the command that trains the runs whose folders follow it
	DryRun  bool       // nothing is written or submitted
	Wait    bool       // until no run is left with the scheduler

	// Submitted is called once, when it is known what the scheduler was given. May be nil.
	Submitted func(Submission)
}

// Submission is what a scheduler was given.
type Submission struct {
	Job       string   // as the scheduler calls it; empty where nothing was missing, and of a dry run
	Path      string   // of the script; empty where nothing was missing
	Script    string   // its text
	Elements  int      // of the job's array
	Runs      int      // in them
	Queued    int      // runs that the scheduler had before
	Jobs      []string // all jobs of the sweep that the scheduler has, this one included
	Waiting   int      // runs that start from one that is queued or elsewhere: another submission takes them
	Elsewhere int      // runs that a process outside of the scheduler is training
}

// Local is the launcher that trains in this process: Execute.
const Local = "local"

var (
	launchers = map[string]Launcher{Local: Execute}
	remote    = map[string]bool{}
)

// RegisterLauncher makes a launcher known under a name. It is called from init; a taken name is a panic.
func RegisterLauncher(name string, l Launcher) {
	if _, taken := launchers[name]; taken {
		panic("sweep: launcher " + name + " is registered twice")
	}
	launchers[name] = l
}

// RegisterRemote is RegisterLauncher for one that hands the runs to a scheduler, as Options.Remote says.
func RegisterRemote(name string, l Launcher) {
	RegisterLauncher(name, l)
	remote[name] = true
}

// IsRemote reports whether the launcher of that name hands the runs to a scheduler.
func IsRemote(name string) bool { return remote[name] }

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
