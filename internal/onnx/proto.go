package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers and enumerations of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
const (
	modelIR, modelProducer, modelVersion, modelGraph, modelOpset, modelMetadata = 1, 2, 3, 7, 8, 14
	graphNode, graphName, graphInitializer, graphInput, graphOutput             = 1, 2, 5, 11, 12
	nodeInput, nodeOutput, nodeName, nodeOp, nodeAttribute                      = 1, 2, 3, 4, 5
	attributeName, attributeFloat, attributeInt, attributeInts, attributeType   = 1, 2, 3, 8, 20
	tensorDims, tensorType, tensorName, tensorRaw                               = 1, 2, 8, 9
	valueName, valueType                                                        = 1, 2
	typeTensor                                                                  = 1
	tensorTypeElement, tensorTypeShape                                          = 1, 2
	shapeDim                                                                    = 1
	dimValue, dimName                                                           = 1, 2
	opsetVersion                                                                = 2
	entryKey, entryValue                                                        = 1, 2

	elementFloat, elementInt64   = 1, 7    // TensorProto.DataType
	kindFloat, kindInt, kindInts = 1, 2, 7 // AttributeProto.AttributeType
)

// message is a protocol buffer that is being written.
type message []byte

func (m *message) text(field protowire.Number, s string) {
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
}

func (m *message) number(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) float(field protowire.Number, v float32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, field, protowire.Fixed32Type), math.Float32bits(v))
}

func (m *message) part(field protowire.Number, part message) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), part)
}

// floats and ints are tensors, in little-endian order.
func floats(name string, shape []int, values []float32) message {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return newTensor(name, shape, elementFloat, raw)
}

func ints(name string, values []int) message {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return newTensor(name, []int{len(values)}, elementInt64, raw)
}

func newTensor(name string, shape []int, element int64, raw []byte) message {
	var m message
	for _, side := range shape {
		m.number(tensorDims, int64(side))
	}
	m.number(tensorType, element)
	m.text(tensorName, name)
	m.part(tensorRaw, raw)
	return m
}

// value declares an input or an output of float32; a first side of 0 is free and called N.
func value(name string, shape []int) message {
	var sides, tensor, kind, m message
	for _, side := range shape {
		var dim message
		if side == 0 {
			dim.text(dimName, "N")
		} else {
			dim.number(dimValue, int64(side))
		}
		sides.part(shapeDim, dim)
	}
	tensor.number(tensorTypeElement, elementFloat)
	tensor.part(tensorTypeShape, sides)
	kind.part(typeTensor, tensor)
	m.text(valueName, name)
	m.part(valueType, kind)
	return m
}

// attribute is a float32, an int or a list of ints.
func attribute(name string, v any) message {
	var m message
	m.text(attributeName, name)
	switch v := v.(type) {
	case float32:
		m.float(attributeFloat, v)
		m.number(attributeType, kindFloat)
	case int:
		m.number(attributeInt, int64(v))
		m.number(attributeType, kindInt)
	case []int:
		for _, n := range v {
			m.number(attributeInts, int64(n))
		}
		m.number(attributeType, kindInts)
	}
	return m
}
