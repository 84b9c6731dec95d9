package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"longtail/internal/disk"
	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// maxConfigBytes bounds what is read as a config; real ones have a few hundred bytes.
const maxConfigBytes = 1 << 20

// CommandLine is the place of overrides in messages.
const CommandLine = "command line"

// readFile sets every key of a YAML file.
func (c *Config) readFile(path string) error {
	text, err := ReadInput(path)
	if err != nil {
		return err
	}
	return c.Parse(text, path)
}

// ReadFile reads the text of a config.yaml that a run left.
func ReadFile(path string) ([]byte, error) { return readText(path, disk.Read) }

// ReadInput reads the text of a config or of a sweep that a user names, from a file or a pipe; the error where there is no such file names
// the nearest one.
func ReadInput(path string) ([]byte, error) { return readText(path, disk.ReadInput) }

func readText(path string, read func(path string, limit int64) ([]byte, error)) ([]byte, error) {
	text, err := read(path, maxConfigBytes)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fail.Usage("config file %s: %w%s", path, os.ErrNotExist, nearestFile(path))
	case err != nil:
		return nil, fail.Usage("reading the config file: %w\ngive a YAML file such as configs/demo.yaml", err)
	}
	return text, nil
}

// Parse sets every key of a YAML text; file names it in messages.
func (c *Config) Parse(text []byte, file string) error {
	root, err := ParseYAML(text, file)
	if err != nil || root == nil {
		return err
	}
	return c.setAll("", root, file)
}

// ParseYAML reads a text that is one mapping; nil where it is empty. A text that is anything else is a usage error that
// names the file and line.
func ParseYAML(text []byte, file string) (*yaml.Node, error) {
	if len(text) > maxConfigBytes {
		return nil, fail.Usage("%s is larger than %d bytes and no config", file, maxConfigBytes)
	}
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fail.Usage("%s is no YAML: %w\ncheck the indentation and the colons at that place", file, err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fail.Usage("%s holds more than one YAML document; a config is one", file)
	}
	root := document.Content[0]
	switch {
	case root.Kind == yaml.ScalarNode && root.Tag == "!!null":
		return nil, nil
	case root.Kind != yaml.MappingNode:
		return nil, fail.Usage("%s: a config is lines of \"key: value\", this is %s", position(file, root), KindOf(root))
	}
	return root, nil
}

// Override sets keys from "key=value" arguments. Values are YAML, as in a file.
func (c *Config) Override(overrides []string) error {
	for _, o := range overrides {
		key, text, ok := strings.Cut(o, "=")
		if !ok {
			return fail.Usage("%s: %q is not of the form key=value", CommandLine, o)
		}
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
		if !c.isText(key) {
			var document yaml.Node
			if err := yaml.Unmarshal([]byte(text), &document); err != nil {
				return fail.Usage("%s: the value of %s is no YAML: %w", CommandLine, o, err)
			}
			if len(document.Content) == 1 {
				n = document.Content[0]
			}
		}
		if err := c.Set(key, n, ""); err != nil {
			return err
		}
	}
	return nil
}

// isText reports whether a key's values are text, which the command line takes as it is.
func (c *Config) isText(key string) bool {
	e, ok := c.find(key)
	return ok && e.value.Kind() == reflect.String
}

// Set sets one key, or several where key is a section and n a mapping. file names the place of n in messages; it is empty for
// the command line. Unknown keys and values of another type are usage errors.
func (c *Config) Set(key string, n *yaml.Node, file string) error {
	place := CommandLine
	if file != "" {
		place = position(file, n)
	}
	if IsSection(key) {
		if n.Kind != yaml.MappingNode {
			return fail.Usage("%s: %s is a section of keys, not %s", place, key, KindOf(n))
		}
		return c.setAll(key+".", n, file)
	}
	e, ok := c.find(key)
	if !ok {
		return fail.Usage("%s: unknown key %q%s", place, key, nearestKey(key))
	}
	if problem := assign(e.value, n); problem != "" {
		return fail.Usage("%s: %s=%s: %s", place, key, n.Value, problem)
	}
	c.places[key] = place
	return nil
}

// setAll sets all keys of a mapping below a prefix.
func (c *Config) setAll(prefix string, mapping *yaml.Node, file string) error {
	seen := map[string]bool{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		key, place := prefix+name.Value, CommandLine
		if file != "" {
			place = position(file, name)
		}
		switch {
		case name.Kind != yaml.ScalarNode:
			return fail.Usage("%s: a key is a word, not %s", place, KindOf(name))
		case seen[key]:
			return fail.Usage("%s: %s is given twice\nremove one of them", place, key)
		case !IsKey(key):
			return fail.Usage("%s: unknown key %q%s", place, key, nearestKey(key))
		}
		seen[key] = true
		if err := c.Set(key, value, file); err != nil {
			return err
		}
	}
	return nil
}

// assign puts the value of a node into a field, or says what the field wants.
func assign(field reflect.Value, n *yaml.Node) (problem string) {
	switch {
	case isTau(field):
		return assignTau(field, n)
	case isFactor(field):
		return assignFactor(field, n)
	}
	switch field.Kind() {
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			return "true or false is wanted, not " + KindOf(n)
		}
		field.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.String:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
			return fmt.Sprintf("a word is wanted, not %s; put it in quotes if it is meant as text", KindOf(n))
		}
		field.SetString(n.Value)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return fmt.Sprintf("a list of numbers is wanted, such as [160, 180], not %s", KindOf(n))
		}
		list := make([]float64, len(n.Content))
		for i, item := range n.Content {
			v, problem := number(item)
			if problem != "" {
				return fmt.Sprintf("item %d: %s", i+1, problem)
			}
			list[i] = v
		}
		field.Set(reflect.ValueOf(list))
	case reflect.Float64:
		v, problem := number(n)
		if problem != "" {
			return problem
		}
		field.SetFloat(v)
	case reflect.Int:
		if problem := plainNumber(n); problem != "" {
			return problem
		}
		v, err := strconv.ParseInt(n.Value, 10, 32)
		if errors.Is(err, strconv.ErrRange) {
			return "the number is too large"
		}
		if n.Tag != "!!int" || err != nil {
			return "a whole number is wanted, not " + KindOf(n)
		}
		field.SetInt(v)
	case reflect.Uint64:
		if problem := plainNumber(n); problem != "" {
			return problem
		}
		v, err := strconv.ParseUint(n.Value, 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return "the number is too large"
		}
		if n.Tag != "!!int" || err != nil {
			return "a whole number of at least 0 is wanted, not " + KindOf(n)
		}
		field.SetUint(v)
	}
	return ""
}

// number reads a finite number, or says what is wrong.
func number(n *yaml.Node) (v float64, problem string) {
	if problem := plainNumber(n); problem != "" {
		return 0, problem
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, "the number is too large"
	case n.Kind == yaml.ScalarNode && (math.IsNaN(v) || math.IsInf(v, 0) || notFinite.MatchString(n.Value)):
		return 0, "a finite number is wanted"
	case n.Kind != yaml.ScalarNode || err != nil || n.Tag != "!!int" && n.Tag != "!!float":
		return 0, "a number is wanted, not " + KindOf(n)
	}
	return v, ""
}

// Forms of numbers: YAML and Go disagree about what 010, 0x10 and 1_000 mean, so that none of them is taken.
var (
	oddNumber = regexp.MustCompile(`^[+-]?(0[0-9_]+|0[xXoObB][0-9a-fA-F_]+|[0-9]+_[0-9_]*)(\.[0-9]*)?$`)
	notFinite = regexp.MustCompile(`^[+-]?\.(inf|Inf|INF|nan|NaN|NAN)$`)
)

// plainNumber finds numbers that are not written as plain decimal ones.
func plainNumber(n *yaml.Node) (problem string) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 && oddNumber.MatchString(n.Value) {
		return "write it as a plain decimal number, without leading zeros"
	}
	return ""
}

// KindOf names what a node is, for messages.
func KindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int":
		return "the whole number " + n.Value
	case "!!float":
		return "the number " + n.Value
	}
	return "a word"
}

// nearestFile is a hint at the file that was probably meant.
func nearestFile(path string) string {
	if strings.Contains(path, "=") {
		return ""
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "\nthe folder " + filepath.Dir(path) + " cannot be read either; configs/demo.yaml is an example"
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".yaml" {
			names = append(names, e.Name())
		}
	}
	if name := nearest(filepath.Base(path), names); name != "" {
		return "\ndid you mean " + filepath.Join(filepath.Dir(path), name) + "?"
	}
	return "\ngive a YAML file such as configs/demo.yaml, or only key=value"
}

// position is "FILE:LINE:COLUMN" of a node.
func position(file string, n *yaml.Node) string {
	return file + ":" + strconv.Itoa(n.Line) + ":" + strconv.Itoa(n.Column)
}
