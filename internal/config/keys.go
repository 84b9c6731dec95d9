package config

import (
	"reflect"
	"slices"
	"strings"
	"sync"
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

// tagged is a field of Config that is a key, as its tags say.
type tagged struct {
	entry          // without a value
	section string // with the dot, or ""
	index   []int  // of the field
	isLast  bool   // of its section
}

// fields are the keys of the struct, in its order. Reading tags is slow, and tables of a thousand runs ask for many keys.
var fields = sync.OnceValue(func() []tagged {
	var all []tagged
	var walk func(prefix string, t reflect.Type, index []int)
	walk = func(prefix string, t reflect.Type, index []int) {
		for i := range t.NumField() {
			f := t.Field(i)
			tag, at := f.Tag.Get("key"), append(slices.Clone(index), i)
			switch {
			case tag == "":
			case f.Type.Kind() == reflect.Struct:
				walk(tag+".", f.Type, at)
			default:
				e := entry{key: prefix + tag, role: Role(f.Tag.Get("role")), follows: f.Tag.Get("follows"), later: f.Tag.Get("later") != ""}
				all = append(all, tagged{entry: e, section: prefix, index: at})
			}
		}
		if len(all) > 0 {
			all[len(all)-1].isLast = true
		}
	}
	walk("", reflect.TypeFor[Config](), nil)
	return all
})

// entries are all keys in the order of the struct, which is the order of config.yaml; options of losses and of mixing end their sections.
func (c *Config) entries() []entry {
	all := make([]entry, 0, len(fields())+16) // room for options
	v := reflect.ValueOf(c).Elem()
	for _, f := range fields() {
		e := f.entry
		e.value, e.unused, e.implied = v.FieldByIndex(f.index), c.unused(e.key), c.implied(e.key)
		all = append(all, e)
		switch {
		case f.isLast && f.section == "loss.":
			all = append(all, c.optionEntries()...)
		case f.isLast && f.section == "train.":
			all = append(all, c.mixingEntries()...)
		}
	}
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

// tags are the entries of the struct's keys, without values.
var tags = sync.OnceValue(func() map[string]entry {
	all := map[string]entry{}
	for _, f := range fields() {
		all[f.key] = f.entry
	}
	return all
})

// RoleOf is the role of a key; that of an unknown one, and of an option of losses or of mixing, is Experiment.
func RoleOf(key string) Role { return tags()[key].role }

// FollowsFrom is the key that a key's default is computed from, or "".
func FollowsFrom(key string) string { return tags()[key].follows }

// IsSection reports whether a name is that of a section of keys.
func IsSection(name string) bool {
	return slices.ContainsFunc(Keys(), func(k string) bool { return strings.HasPrefix(k, name+".") })
}

// IsKey reports whether a name is a key or a section of keys.
func IsKey(name string) bool { return IsSection(name) || slices.Contains(Keys(), name) }
