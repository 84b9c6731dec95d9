// Package onnx writes networks as ONNX models (https://onnx.ai), which other programs run without this one.
package onnx

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"longtail/internal/build"
)

// Opset is the version of the operators that a model uses, and irVersion that of the file's form: those of ONNX 1.12, 2022.
const (
	Opset     = 17
	irVersion = 8
)

// Names of a model's input, images [N, channels, side, side] of float32, normalised, and of its output, logits [N, C].
const (
	Input  = "images"
	Output = "logits"
)

// writer collects the nodes and constants of a graph.
type writer struct {
	graph message
	nodes int
	known map[string]bool // constants that are written
}

// node adds an operation and gives the name of its result.
func (w *writer) node(op string, attributes map[string]any, inputs ...string) string {
	w.nodes++
	name := fmt.Sprintf("%s_%d", op, w.nodes)
	w.named(name, op, attributes, inputs...)
	return name
}

// named is node with a name for the result.
func (w *writer) named(output, op string, attributes map[string]any, inputs ...string) {
	var m message
	for _, in := range inputs {
		m.text(nodeInput, in)
	}
	m.text(nodeOutput, output)
	m.text(nodeName, output)
	m.text(nodeOp, op)
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		m.part(nodeAttribute, attribute(key, attributes[key]))
	}
	w.graph.part(graphNode, m)
}

// floats and ints add a constant, once, and give its name.
func (w *writer) floats(name string, shape []int, values []float32) string {
	if !w.known[name] {
		w.known[name] = true
		w.graph.part(graphInitializer, floats(name, shape, values))
	}
	return name
}

func (w *writer) ints(name string, values ...int) string {
	if !w.known[name] {
		w.known[name] = true
		w.graph.part(graphInitializer, ints(name, values))
	}
	return name
}

// scalar is a constant number.
func (w *writer) scalar(v float64) string {
	return w.floats(fmt.Sprintf("number_%g", v), nil, []float32{float32(v)})
}

// encode is the file of a graph from images of a shape, the first side free, to logits of so many classes.
func (w *writer) encode(name string, image []int, classes int, metadata map[string]string) []byte {
	w.graph.text(graphName, name)
	w.graph.part(graphInput, value(Input, append([]int{0}, image...)))
	w.graph.part(graphOutput, value(Output, []int{0, classes}))
	var m, opset message
	m.number(modelIR, irVersion)
	m.text(modelProducer, "longtail")
	m.text(modelVersion, build.Version)
	m.part(modelGraph, w.graph)
	opset.number(opsetVersion, Opset)
	m.part(modelOpset, opset)
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		var entry message
		entry.text(entryKey, key)
		entry.text(entryValue, metadata[key])
		m.part(modelMetadata, entry)
	}
	return m
}

// StartBytes is how much of a file IsOurs looks at.
const StartBytes = 64

// IsOurs reports whether Encode made the file that starts like this.
func IsOurs(file []byte) bool {
	var start message
	start.number(modelIR, irVersion)
	start.text(modelProducer, "longtail")
	return bytes.HasPrefix(file, start)
}
