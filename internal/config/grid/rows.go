package grid

import (
	"regexp"
	"slices"
	"strings"

	"longtail/internal/config"
	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// row is a named method of a sweep: the keys that it sets, whatever their sections.
type row struct {
	label string
	word  string // the label as a part of a folder's name
	place string // of the label, for messages
	set   *yaml.Node
	keys  []string
}

// notWord is what the labels of rows lose in folders' names.
var notWord = regexp.MustCompile(`[^a-z0-9.]+`)

func newRow(label, place string) row {
	return row{label: label, place: place, word: strings.Trim(notWord.ReplaceAllString(strings.ToLower(label), "-"), "-.")}
}

// readRows takes the section rows: "LABEL: {a config}" each.
func (s *source) readRows(n *yaml.Node) error {
	if isNothing(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fail.Usage("%s: rows is lines of \"LABEL: {KEY: VALUE}\", as in LDAM: {loss.name: ldam}", s.place(n))
	}
	return s.pairs(n, func(name, value *yaml.Node) error {
		r := newRow(name.Value, s.place(name))
		if r.word == "" {
			return fail.Usage("%s: the label %q names no folder\ngive it a letter or a digit", r.place, r.label)
		}
		if i := slices.IndexFunc(s.rows, func(other row) bool { return other.word == r.word }); i >= 0 {
			return fail.Usage("%s: the labels %q and %q give their runs the same folders, %s\nrename one", r.place, s.rows[i].label, r.label, r.word)
		}
		if !isNothing(value) {
			if value.Kind != yaml.MappingNode {
				return fail.Usage("%s: the row %s is a config, lines of \"key: value\"", s.place(value), r.label)
			}
			r.set = value
			before := s.base.Clone()
			if err := s.setAll(before, value); err != nil {
				return err
			}
			r.keys = setKeys(value)
		}
		s.rows = append(s.rows, r)
		return nil
	})
}

// setAll sets the keys of a mapping, sections nested or not.
func (s *source) setAll(c *config.Config, mapping *yaml.Node) error {
	return s.pairs(mapping, func(name, value *yaml.Node) error {
		if !config.IsKey(name.Value) {
			value = name // so that the error names the place of the key
		}
		return c.Set(name.Value, value, s.path)
	})
}

// setKeys are the keys that a mapping sets.
func setKeys(mapping *yaml.Node) (keys []string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i].Value, mapping.Content[i+1]
		if !config.IsSection(name) || value.Kind != yaml.MappingNode {
			keys = append(keys, name)
			continue
		}
		for j := 0; j+1 < len(value.Content); j += 2 {
			keys = append(keys, name+"."+value.Content[j].Value)
		}
	}
	return keys
}

// checkRows finds keys that rows and the grid set, and those that no row may set.
func (s *source) checkRows() error {
	for _, r := range s.rows {
		for _, key := range r.keys {
			if config.RoleOf(key) == config.Place || config.RoleOf(key) == config.Repetition {
				return fail.Usage("%s: the row %s sets %s, which does not tell methods apart\ngive it once, below base or grid", r.place, r.label, key)
			}
			for _, a := range s.axes {
				if slices.Contains(a.keys, key) {
					return fail.Usage("%s: the row %s sets %s, and so does the grid (%s)\nname the key in one of them only", r.place, r.label, key, a.place)
				}
			}
		}
	}
	return nil
}
