package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"longtail/data"
)

// Full is every key that bears on the run with its value, defaults included, for people.
func (c *Config) Full() []byte { return c.yaml(func(e entry) bool { return !e.unused }) }

// YAML is the whole config in a fixed order and form; keys that have no meaning beside the others are left out, and later ones at their
// default. Load gives the same config from it.
func (c *Config) YAML() []byte { return c.yaml(func(e entry) bool { return !e.leftOut() }) }

// yaml writes the entries that are wanted.
func (c *Config) yaml(want func(entry) bool) []byte {
	var b bytes.Buffer
	section := ""
	for _, e := range c.entries() {
		if !want(e) {
			continue
		}
		name, indent := e.key, ""
		if s, n, dotted := strings.Cut(e.key, "."); dotted {
			name, indent = n, "  "
			if s != section {
				fmt.Fprintf(&b, "%s:\n", s)
				section = s
			}
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, format(e.value))
	}
	return b.Bytes()
}

// Value is a key's value as it stands in config.yaml, "" for an unknown key.
func (c *Config) Value(key string) string {
	if e, ok := c.find(key); ok {
		return format(e.value)
	}
	return ""
}

// Text is a key's value as it stands on a command line: as Value, text without quotes. It is "" for an unknown key and for an
// option that the chosen loss does not have.
func (c *Config) Text(key string) string {
	e, ok := c.find(key)
	switch {
	case !ok || e.unused:
		return ""
	case key == "model.name":
		return c.Network()
	case e.value.Kind() == reflect.String:
		return e.value.String()
	}
	return format(e.value)
}

// Overrides are the keys that were given and bear on the run, as arguments key=value for a command line.
func (c *Config) Overrides() []string {
	var all []string
	for _, e := range c.entries() {
		if !c.Given(e.key) || e.unused {
			continue
		}
		all = append(all, e.key+"="+c.Text(e.key))
	}
	return all
}

// plainWord is text that YAML reads as text without quotes, whatever it says: words of one letter and more that start with a
// letter, except for those that mean a truth value or nothing.
var (
	plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	notText   = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`)
)

func format(v reflect.Value) string {
	switch {
	case isTau(v):
		return v.String()
	case isFactor(v):
		return data.ImbalanceText(v.Float())
	}
	switch v.Kind() {
	case reflect.Float64:
		return number64(v.Float())
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = number64(v.Index(i).Float())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.String:
		if s := v.String(); plainWord.MatchString(s) && !notText.MatchString(s) {
			return s
		}
		quoted, _ := json.Marshal(v.String()) // text always has a JSON form, which is YAML too
		return string(quoted)
	}
	return fmt.Sprint(v.Interface())
}

// number64 is the shortest text that reads back as v: 0.0002, 100, 1e-07.
func number64(v float64) string {
	if v != 0 && (v < 1e-6 && v > -1e-6) || v >= 1e15 || v <= -1e15 {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
