// Package grid reads the files of sweeps: one config, and lists of values for some of its keys.
//
// A sweep's file is YAML:
//
//	base:                          # a config, as for a single run; out is the folder of the runs, "runs" where it is not given
//	  data: {dataset: cifar10}
//	  out: runs/sweep
//	grid:
//	  data.imbalance: [100, 50]    # a key and its values
//	  loss:                        # a section: the keys of each value change together
//	    - {name: softmax}
//	    - {name: focal, gamma: 1, beta: 0.9999}
//	  seed: [0, 1, 2]
//	rows:                          # named methods: the runs are those of the grid, once for each row
//	  softmax:
//	  LDAM-DRW: {loss: {name: ldam, beta: 0.9999}}
//	table: table2                  # or figure: 8; only for longtail table, which reads the same file
//	slurm: {partition: gpu}        # see Slurm; only for the launcher of that name
//
// The runs are all combinations: the rows, then the keys of the grid in the order of the file, the first one changing slowest, each
// through its values in their order. Folders of the runs of a row are named by its label in place of the loss. [Load] reads the file and completes the config of every run, so that a mistake in any of them is
// found before the first one starts.
package grid

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"longtail/internal/config"
	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// maxRuns bounds a grid, against a slip that multiplies.
const maxRuns = 10_000

// DefaultOut is the folder of runs where neither the file nor the command line names one.
const DefaultOut = "runs"

// gridPrefix begins an override that replaces or adds a list of the grid.
const gridPrefix = "grid."

// Grid is a sweep that was read: its runs in their order.
type Grid struct {
	Path   string   // of the file
	Out    string   // folder of the runs
	Table  string   // of the paper that the file is for, such as "table2" or "figure8"; empty where it does not say
	Varied []string // keys that the grid gives values for, in its order
	Rows   []string // labels of the rows, in their order; empty where the file has none
	Slurm  Slurm    // checked, whatever the launcher
	Runs   []Run
}

// Run is one point of a grid.
type Run struct {
	Row    string         // label of its row; empty without rows
	Name   string         // of its folder in Grid.Out
	After  string         // name of the run that must be done before, for it starts from its weights; empty for none
	Config *config.Config // complete; Out is the run's folder
}

// axis is one key of a grid, or a section, with its values.
type axis struct {
	key    string
	place  string       // of the key, for messages
	file   string       // of the values; empty for the command line
	values []*yaml.Node // at least one
	keys   []string     // all keys that the values set
}

// Load reads a sweep's file and applies overrides: key=value changes the base, grid.KEY=[VALUE, ...] gives the grid a key's
// list, slurm.KEY=VALUE changes the section slurm. Errors are usage errors that name the file, line and column, or the command line, the key and what would be right;
// every run's config is complete and checked.
func Load(path string, overrides []string) (*Grid, error) {
	text, err := config.ReadInput(path)
	if err != nil {
		return nil, err
	}
	return parse(text, path, overrides)
}

// IsSweep reports whether a YAML file is that of a sweep, by its top-level keys, rather than the config of one run.
func IsSweep(path string) (bool, error) {
	text, err := config.ReadInput(path)
	if err != nil {
		return false, err
	}
	root, err := config.ParseYAML(text, path)
	if err != nil || root == nil {
		return false, err
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if slices.Contains(sections, root.Content[i].Value) {
			return true, nil
		}
	}
	return false, nil
}

func parse(text []byte, path string, overrides []string) (*Grid, error) {
	root, err := config.ParseYAML(text, path)
	if err != nil {
		return nil, err
	}
	s := source{path: path}
	if err := s.read(root); err != nil {
		return nil, err
	}
	gridOverrides, baseOverrides := splitOverrides(overrides, gridPrefix)
	slurmOverrides, baseOverrides := splitOverrides(baseOverrides, slurmPrefix)
	for _, o := range gridOverrides {
		if err := s.overrideAxis(o); err != nil {
			return nil, err
		}
	}
	for _, o := range slurmOverrides {
		if err := s.overrideSlurm(o); err != nil {
			return nil, err
		}
	}
	if len(s.axes) == 0 && len(s.rows) == 0 {
		return nil, fail.Usage("%s has no grid, so there is nothing to vary\ngive it lists of values, as in grid: {seed: [0, 1, 2]}, or train one run: longtail train CONFIG", path)
	}
	written := s.base.Clone()
	if err := s.base.Override(baseOverrides); err != nil {
		return nil, err
	}
	if err := s.checkAxes(baseOverrides); err != nil {
		return nil, err
	}
	if err := s.checkRows(); err != nil {
		return nil, err
	}
	g := &Grid{Path: path, Out: s.base.Out, Table: s.table, Slurm: s.slurm}
	if g.Out == "" {
		g.Out = DefaultOut
	}
	for _, a := range s.axes {
		g.Varied = append(g.Varied, a.keys...)
	}
	return g, g.expand(&s, append(slices.Clone(g.Varied), changed(written, s.base)...))
}

// splitOverrides takes apart the overrides that begin with a prefix, without it, and the others.
func splitOverrides(all []string, prefix string) (with, without []string) {
	for _, o := range all {
		if rest, ok := strings.CutPrefix(o, prefix); ok {
			with = append(with, rest)
		} else {
			without = append(without, o)
		}
	}
	return with, without
}

// changed are the keys whose values differ between two configs, besides those that say where runs are computed.
func changed(a, b *config.Config) []string {
	return slices.DeleteFunc(config.Keys(), func(key string) bool {
		return config.RoleOf(key) == config.Place || key == "precision" || a.Value(key) == b.Value(key)
	})
}

// expand makes the runs. telling are the keys that their names must tell apart.
func (g *Grid) expand(s *source, telling []string) error {
	rows := s.rows
	if len(rows) == 0 {
		rows = []row{{}}
	}
	points := len(rows)
	for _, a := range s.axes {
		if points *= len(a.values); points > maxRuns {
			return fail.Usage("%s: the grid has more than %d runs\nshorten a list", a.place, maxRuns)
		}
	}
	names, at := newNames(telling), map[gridPoint]int{}
	for _, r := range rows {
		if r.label != "" {
			g.Rows = append(g.Rows, r.label)
		}
		for point := range points / len(rows) {
			i, err := g.add(s, r, point, names)
			if err != nil {
				return err
			}
			at[gridPoint{r.label, point}] = i
		}
	}
	return g.link(at)
}

// add makes the run of a row at a point of the grid, and gives its index.
func (g *Grid) add(s *source, r row, point int, names *names) (int, error) {
	c := s.base.Clone()
	if r.set != nil {
		if err := s.setAll(c, r.set); err != nil {
			return 0, err
		}
	}
	for _, a := range slices.Backward(s.axes) { // the last axis changes fastest
		if err := c.Set(a.key, a.values[point%len(a.values)], a.file); err != nil {
			return 0, err
		}
		point /= len(a.values)
	}
	if slices.ContainsFunc([]string{"loss.name", "loss.weights", "train.mix"}, func(key string) bool { return slices.Contains(g.Varied, key) }) {
		c.DropUnused() // what the grid or its base gives to all losses and rules
	}
	c.Out = "" // the folder of runs; the run's own follows
	if err := c.Complete(); err != nil {
		if r.label != "" {
			return 0, fmt.Errorf("row %s: %w", r.label, err)
		}
		return 0, err
	}
	name, known := names.of(c, r.word)
	if known {
		return slices.IndexFunc(g.Runs, func(r Run) bool { return r.Name == name }), nil
	}
	c.Out = filepath.Join(g.Out, name)
	g.Runs = append(g.Runs, Run{Row: r.label, Name: name, Config: c})
	return len(g.Runs) - 1, nil
}
