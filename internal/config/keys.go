package config

import (
	"reflect"
	"slices"
	"strings"
)

// Role is what a key bears on.
type Role string

// The roles. All but Source and Place are part of a run's identity: a run resumes only with the same values.
const (
	Experiment  Role = ""            // what is computed; tells experiments apart
	Repetition  Role = "repetition"  // seeds: runs that differ in these alone repeat one experiment
	Observation Role = "observation" // which epochs are tested
	Evaluation  Role = "evaluation"  // what is done to the outputs of the trained network; not written where it is nothing
	Bookkeeping Role = "bookkeeping" // when a run saves; results do not depend on it
	Source      Role = "source"      // a file whose content the run folder keeps and compares
	Place       Role = "place"       // where a run is and what it computes on
)

// entry is one key with its value in a config.
type entry struct {
	key     string
	value   reflect.Value
	role    Role
	follows string // the key that the default is computed from, or ""
	unused  bool   // without a meaning beside the other values, such as an option that the chosen loss does not have
	later   bool   // left out of config.yaml at its default
	implied bool   // left out of config.yaml: its value follows from another one
}

// entries are all keys in the order of the struct, which is the order of config.yaml; options of losses and of mixing end their sections.
func (c *Config) entries() []entry {
	var all []entry
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			tag := field.Tag.Get("key")
			switch f := v.Field(i); {
			case tag == "":
			case f.Kind() == reflect.Struct:
				walk(tag+".", f)
			default:
				all = append(all, entry{
					key: prefix + tag, value: f, role: Role(field.Tag.Get("role")), follows: field.Tag.Get("follows"),
					unused: c.unused(prefix + tag), later: field.Tag.Get("later") != "",
					implied: c.implied(prefix + tag),
				})
			}
		}
		if prefix == "loss." {
			all = append(all, c.optionEntries()...)
		}
		if prefix == "train." {
			all = append(all, c.mixingEntries()...)
		}
	}
	walk("", reflect.ValueOf(c).Elem())
	return all
}

// find is the entry of a key.
func (c *Config) find(key string) (entry, bool) {
	all := c.entries()
	i := slices.IndexFunc(all, func(e entry) bool { return e.key == key })
	if i < 0 {
		return entry{}, false
	}
	return all[i], true
}

// Keys are all keys of a config, in the order of config.yaml.
func Keys() []string {
	var keys []string
	for _, e := range Defaults().entries() {
		keys = append(keys, e.key)
	}
	return keys
}

// RoleOf is the role of a key; that of an unknown one is Experiment.
func RoleOf(key string) Role {
	e, _ := Defaults().find(key)
	return e.role
}

// FollowsFrom is the key that a key's default is computed from, or "".
func FollowsFrom(key string) string {
	e, _ := Defaults().find(key)
	return e.follows
}

// IsSection reports whether a name is that of a section of keys.
func IsSection(name string) bool {
	return slices.ContainsFunc(Keys(), func(k string) bool { return strings.HasPrefix(k, name+".") })
}

// IsKey reports whether a name is a key or a section of keys.
func IsKey(name string) bool { return IsSection(name) || slices.Contains(Keys(), name) }
