package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// notIdentity are keys that do not bear on what a run computes, only on where. data.split_file is one because the run folder
// holds the split itself, and that is what is compared.
var notIdentity = []string{"out", "device", "data.split_file"}

// YAML is the whole config, defaults included, in a fixed order and form. Load gives the same config from it.
func (c *Config) YAML() []byte { return c.yaml(nil) }

// Identity is the config without what says where the run is and on what it computes: equal for runs with equal results.
func (c *Config) Identity() []byte { return c.yaml(notIdentity) }

func (c *Config) yaml(without []string) []byte {
	var b bytes.Buffer
	section := ""
	for _, e := range c.entries() {
		if slices.Contains(without, e.key) {
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
	for _, e := range c.entries() {
		if e.key == key {
			return format(e.value)
		}
	}
	return ""
}

// plainWord is text that YAML reads as text without quotes, whatever it says: words of one letter and more that start with a
// letter, except for those that mean a truth value or nothing.
var (
	plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	notText   = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`)
)

func format(v reflect.Value) string {
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

// Differences are the keys in which two configs would compute different things, sorted as in config.yaml.
func (c *Config) Differences(other *Config) []string {
	var keys []string
	theirs := other.entries()
	for i, e := range c.entries() {
		if !slices.Contains(notIdentity, e.key) && format(e.value) != format(theirs[i].value) {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// RunName is a folder name that tells the runs of the paper's grid apart: cifar10-if100-focal-g1-b0.9999-s0. What is not the
// paper's (another model or profile) is in it too; the schedule is not.
func (c *Config) RunName() string {
	parts := []string{c.Data.Dataset, "if" + number64(c.Data.Imbalance)}
	if c.Data.Profile != "exp" {
		parts = append(parts, c.Data.Profile)
	}
	if c.Model.Name != "resnet32" {
		parts = append(parts, c.Model.Name)
	}
	parts = append(parts, c.Loss.Name)
	if c.Loss.Name == "focal" {
		parts = append(parts, "g"+number64(c.Loss.Gamma))
	}
	if c.Loss.Beta > 0 {
		parts = append(parts, "b"+number64(c.Loss.Beta))
	}
	return strings.Join(append(parts, fmt.Sprintf("s%d", c.Seed)), "-")
}
