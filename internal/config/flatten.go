package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds how deep a config nests; a real one has two levels.
const maxDepth = 16

// Flatten reads a YAML (or JSON) mapping as dotted keys with their values as text: "train.milestones" -> "[160, 180]".
// Numbers are written the shortest way, so that 50, 50.0 and 5e1 are one value. Anything that is not a mapping is an error.
func Flatten(b []byte) (map[string]string, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(b, &root); err != nil {
		return nil, fmt.Errorf("reading YAML: %w", err)
	}
	flat := map[string]string{}
	if root.Kind == 0 {
		return flat, nil
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("reading YAML: line %d is not a list of key: value", root.Line)
	}
	return flat, flatten(flat, "", root.Content[0], 0)
}

func flatten(flat map[string]string, prefix string, n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("reading YAML: line %d nests deeper than %d levels", n.Line, maxDepth)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := prefix+n.Content[i].Value, n.Content[i+1]
		if v.Kind == yaml.MappingNode {
			if err := flatten(flat, key+".", v, depth+1); err != nil {
				return err
			}
			continue
		}
		text, err := scalar(v, depth+1)
		if err != nil {
			return err
		}
		flat[key] = text
	}
	return nil
}

// scalar writes a value on one line, in YAML's flow style.
func scalar(n *yaml.Node, depth int) (string, error) {
	switch {
	case depth > maxDepth:
		return "", fmt.Errorf("reading YAML: line %d nests deeper than %d levels", n.Line, maxDepth)
	case n.Kind == yaml.ScalarNode:
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && n.Tag != "!!str" {
			return formatNumber(f), nil
		}
		return n.Value, nil
	case n.Kind == yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, v := range n.Content {
			var err error
			if parts[i], err = scalar(v, depth+1); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case n.Kind == yaml.MappingNode:
		parts := make([]string, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := scalar(n.Content[i+1], depth+1)
			if err != nil {
				return "", err
			}
			parts = append(parts, n.Content[i].Value+": "+v)
		}
		return "{" + strings.Join(parts, ", ") + "}", nil
	default:
		return "", fmt.Errorf("reading YAML: line %d: an alias has no place in a config", n.Line)
	}
}

// formatNumber writes a number as a person would give it on the command line.
func formatNumber(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// FingerprintFile is the Fingerprint of a config.yaml.
func FingerprintFile(path string) (string, error) {
	text, err := ReadFile(path)
	if err != nil {
		return "", err
	}
	return Fingerprint(text)
}

// Fingerprint is the SHA-256, in hexadecimal, of what a config.yaml says of a run's identity: its keys and values, whatever their
// order and form, without where the run is and what it is computed on. It does not depend on keys that the file does not have, so
// that a later program computes the same.
func Fingerprint(text []byte) (string, error) {
	flat, err := Flatten(text)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		if role := RoleOf(key); role != Place && !(role == Evaluation && isOff(flat[key])) {
			fmt.Fprintf(h, "%s=%s\n", key, flat[key])
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
