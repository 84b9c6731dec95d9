package config

import (
	"reflect"
	"strconv"

	"longtail/internal/fail"
	"longtail/internal/posthoc"

	"go.yaml.in/yaml/v3"
)

// Eval is the section eval: what is done to the outputs of the trained network, see package posthoc. One of its keys at most is given.
type Eval struct {
	Adjust  Tau  `key:"adjust" role:"evaluation"`   // logit adjustment
	TauNorm Tau  `key:"tau_norm" role:"evaluation"` // rows of the classifier by their lengths to the power of tau
	NCM     bool `key:"ncm" role:"evaluation"`      // nearest class mean
}

// Tau is the strength of a method: NoTau, a number of at least 0 in its shortest form, or posthoc.Auto.
type Tau string

// NoTau leaves a method out.
const NoTau Tau = "none"

// Adjustments are what the section asks for: one, or none.
func (e Eval) Adjustments() []posthoc.Adjustment {
	if e.NCM {
		return []posthoc.Adjustment{{Method: posthoc.NCM}}
	}
	for _, m := range []struct {
		method posthoc.Method
		tau    Tau
	}{{posthoc.Adjust, e.Adjust}, {posthoc.Normalise, e.TauNorm}} {
		if m.tau == NoTau {
			continue
		}
		if tau, auto, err := posthoc.ParseTau(string(m.tau)); err == nil { // assignTau let no other in
			return []posthoc.Adjustment{{Method: m.method, Tau: tau, Auto: auto}}
		}
	}
	return nil
}

// isOff reports whether an entry is of the section eval and asks for nothing. Such entries are written nowhere: configs, names and
// checkpoints of runs without them are what they were before there was the section.
func (e entry) isOff() bool {
	return e.role == Evaluation && isOff(format(e.value))
}

// IsOff reports whether a key is of the section eval and asks for nothing.
func (c *Config) IsOff(key string) bool {
	e, ok := c.find(key)
	return ok && e.isOff()
}

func isOff(value string) bool { return value == string(NoTau) || value == "false" }

// assignTau puts the value of a node into a Tau, or says what it wants.
func assignTau(field reflect.Value, n *yaml.Node) (problem string) {
	const wanted = "none, a number of at least 0, or auto is wanted, not "
	if n.Kind != yaml.ScalarNode {
		return wanted + KindOf(n)
	}
	if Tau(n.Value) == NoTau {
		field.SetString(n.Value)
		return ""
	}
	if problem := plainNumber(n); problem != "" {
		return problem
	}
	tau, auto, err := posthoc.ParseTau(n.Value)
	switch {
	case err != nil:
		return wanted + strconv.Quote(n.Value)
	case auto:
		field.SetString(posthoc.Auto)
	default:
		field.SetString(number64(tau))
	}
	return ""
}

// isTau reports whether a value of the config is a Tau.
func isTau(v reflect.Value) bool { return v.Type() == reflect.TypeFor[Tau]() }

// checkEval finds methods that exclude each other, and a tau that is to be chosen on images that are not held out.
func (c *Config) checkEval() error {
	var on []string
	for _, e := range c.entries() {
		if e.role != Evaluation || e.isOff() {
			continue
		}
		if on = append(on, e.key); len(on) > 1 {
			return fail.Usage("%s: %s and %s exclude each other: a run is quoted after one of them\nset the others to none, or compare them with longtail eval RUN", c.Place(e.key), on[0], e.key)
		}
		if format(e.value) == posthoc.Auto && c.Data.Validation == 0 && c.Data.SplitFile == "" {
			return fail.Usage("%s: %s=auto chooses tau on held-out images, and data.validation=0 holds none out\ngive it a number, or hold images out as with data.validation=0.1", c.Place(e.key), e.key)
		}
	}
	return nil
}
