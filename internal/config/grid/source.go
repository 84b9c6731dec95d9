package grid

import (
	"fmt"
	"slices"
	"strings"

	"longtail/internal/config"
	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// source is what a sweep's file and the command line say.
type source struct {
	path  string
	base  *config.Config // not complete
	table string
	axes  []axis
	rows  []row
	slurm Slurm
}

// sections are the keys of a sweep's file.
var sections = []string{"base", "grid", "rows", "table", "figure", "slurm"}

func (s *source) place(n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", s.path, n.Line, n.Column) }

// pairs goes over the keys and values of a mapping; a key that comes twice or is no word is an error.
func (s *source) pairs(mapping *yaml.Node, each func(name, value *yaml.Node) error) error {
	var seen []string
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		switch {
		case name.Kind != yaml.ScalarNode:
			return fail.Usage("%s: a key is a word", s.place(name))
		case slices.Contains(seen, name.Value):
			return fail.Usage("%s: %s is given twice\nremove one of them", s.place(name), name.Value)
		}
		seen = append(seen, name.Value)
		if err := each(name, value); err != nil {
			return err
		}
	}
	return nil
}

// read takes the whole file; root is nil for an empty one.
func (s *source) read(root *yaml.Node) error {
	s.base = config.Defaults()
	if root == nil {
		return nil
	}
	return s.pairs(root, func(name, value *yaml.Node) error {
		switch name.Value {
		case "base":
			return s.readBase(value)
		case "grid":
			return s.readGrid(value)
		case "rows":
			return s.readRows(value)
		case "slurm":
			return s.readSlurm(value)
		case "table", "figure": // for longtail table
			if value.Kind != yaml.ScalarNode {
				return fail.Usage("%s: %s is the name or number of a published %[2]s, as in table: table2 or figure: 8", s.place(value), name.Value)
			}
			if s.table = value.Value; strings.Trim(value.Value, "0123456789") == "" { // figure: 8
				s.table = name.Value + value.Value
			}
			return nil
		}
		if config.IsKey(name.Value) {
			return fail.Usage("%s: unknown key %q: in a sweep the keys of a config stand below base\nindent it below \"base:\", or train this config alone: longtail train %s",
				s.place(name), name.Value, s.path)
		}
		return fail.Usage("%s: unknown key %q\nthe keys of a sweep are %s", s.place(name), name.Value, strings.Join(sections, ", "))
	})
}

func isNothing(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (s *source) readBase(n *yaml.Node) error {
	if isNothing(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fail.Usage("%s: base is a config, lines of \"key: value\"", s.place(n))
	}
	return s.setAll(s.base, n)
}

func (s *source) readGrid(n *yaml.Node) error {
	if isNothing(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fail.Usage("%s: grid is lines of \"key: [value, ...]\", as in seed: [0, 1, 2]", s.place(n))
	}
	return s.pairs(n, func(name, values *yaml.Node) error {
		if !config.IsKey(name.Value) {
			return s.base.Clone().Set(name.Value, name, s.path) // which says what is near
		}
		a, err := newAxis(name.Value, values, s.place(name), s.path)
		s.axes = append(s.axes, a)
		return err
	})
}

// overrideAxis takes "KEY=[VALUE, ...]" from the command line in place of the file's list for the key, or as a new one.
func (s *source) overrideAxis(text string) error {
	key, list, ok := strings.Cut(text, "=")
	if !ok {
		return fail.Usage("%s: %q is not of the form %sKEY=[VALUE, ...]", config.CommandLine, gridPrefix+text, gridPrefix)
	}
	if !config.IsKey(key) {
		return s.base.Clone().Set(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: list}, "")
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(list), &document); err != nil {
		return fail.Usage("%s: the value of %s is no YAML: %w", config.CommandLine, gridPrefix+text, err)
	}
	values := &yaml.Node{}
	if len(document.Content) == 1 {
		values = document.Content[0]
	}
	a, err := newAxis(key, values, config.CommandLine, "")
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(s.axes, func(b axis) bool { return b.key == key }); i >= 0 {
		s.axes[i] = a
	} else {
		s.axes = append(s.axes, a)
	}
	return nil
}

// newAxis checks what can be seen without the base.
func newAxis(key string, values *yaml.Node, place, file string) (axis, error) {
	a := axis{key: key, place: place, file: file}
	switch {
	case config.RoleOf(key) == config.Place:
		return a, fail.Usage("%s: %s does not change what a run computes, so the grid cannot vary it\ngive it once, below base", place, key)
	case values.Kind != yaml.SequenceNode || len(values.Content) == 0:
		return a, fail.Usage("%s: grid key %s: a list of values is wanted, as in %[2]s: %s", place, key, exampleList(key))
	}
	a.values = values.Content
	if !config.IsSection(key) {
		a.keys = []string{key}
		return a, nil
	}
	for _, value := range a.values {
		for i := 0; value.Kind == yaml.MappingNode && i < len(value.Content); i += 2 {
			if k := key + "." + value.Content[i].Value; !slices.Contains(a.keys, k) {
				a.keys = append(a.keys, k)
			}
		}
	}
	return a, nil
}

func exampleList(key string) string {
	switch {
	case config.IsSection(key):
		return "[{KEY: VALUE}, {KEY: VALUE}]"
	case strings.HasSuffix(key, "s") && strings.HasPrefix(key, "train.m"): // milestones, multipliers: a list each
		return "[[160, 180], [120, 180]]"
	}
	return "[VALUE, VALUE]"
}

// checkAxes finds values that no config takes, values that are there twice, and keys that are set from two sides.
func (s *source) checkAxes(overrides []string) error {
	given := config.Defaults()
	if err := given.Override(overrides); err != nil {
		return err
	}
	owner := map[string]axis{}
	for _, a := range s.axes {
		for _, key := range a.keys {
			if other, taken := owner[key]; taken {
				return fail.Usage("%s: the grid sets %s by %s too (%s)\nname the key in one of them only", a.place, key, other.key, other.place)
			}
			if given.Given(key) {
				return fail.Usage("%s: %s=%s changes nothing, for the grid varies that key\ngive the grid another list: %s%s=%s",
					config.CommandLine, key, given.Value(key), gridPrefix, a.key, exampleList(a.key))
			}
			owner[key] = a
		}
		if err := s.checkValues(a); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) checkValues(a axis) error {
	seen := map[string]int{}
	for i, value := range a.values {
		c := s.base.Clone()
		if err := c.Set(a.key, value, a.file); err != nil {
			return err
		}
		var texts []string
		for _, key := range a.keys {
			texts = append(texts, c.Value(key))
		}
		text := strings.Join(texts, "\n")
		if first, twice := seen[text]; twice {
			return fail.Usage("%s: values %d and %d of %s are the same\nremove one of them", a.place, first+1, i+1, a.key)
		}
		seen[text] = i
	}
	return nil
}
