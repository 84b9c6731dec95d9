package config

import (
	"reflect"

	"longtail/data"

	"go.yaml.in/yaml/v3"
)

// Factor is an imbalance factor: a number of at least 1, or data.Natural, which is written none.
type Factor float64

// isFactor reports whether a value of the config is a Factor.
func isFactor(v reflect.Value) bool { return v.Type() == reflect.TypeFor[Factor]() }

// assignFactor puts the value of a node into a Factor, or says what it wants.
func assignFactor(field reflect.Value, n *yaml.Node) (problem string) {
	if n.Kind == yaml.ScalarNode && n.Value == "none" {
		field.SetFloat(data.Natural)
		return ""
	}
	v, problem := number(n)
	switch {
	case problem != "":
		return problem
	case v == 0:
		return "the factor is a number of at least 1, or none for the classes as they are"
	}
	field.SetFloat(v)
	return ""
}
