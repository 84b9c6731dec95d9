package events

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind says what a Value holds.
type Kind int

const (
	Other      Kind = iota // something that this package does not write
	Scalar                 // Scalar
	Image                  // PNG, Width, Height
	HParams                // HParams, Seconds: the start of a run
	HParamsEnd             // Seconds: its end
)

// Value is one summary value of an event.
type Value struct {
	Tag           string
	Kind          Kind
	Scalar        float32
	PNG           []byte
	Width, Height int
	HParams       map[string]any // bool, string or float64
	Seconds       float64        // since 1970
}

// Event is one record of an event file.
type Event struct {
	Wall    float64 // seconds since 1970
	Step    int64
	Version string // the file's first event only
	Start   bool   // a process starts at Step: what was written from there on is void
	Values  []Value
}

// Field numbers of the messages, from event.proto, summary.proto, tensor.proto, struct.proto and the hparams plugin's
// plugin_data.proto.
const (
	eventWall, eventStep, eventVersion, eventSummary, eventSession = 1, 2, 3, 5, 7

	summaryValue                                                = 1
	valueTag, valueScalar, valueImage, valueTensor, valueMeta   = 1, 2, 4, 8, 9
	imageHeight, imageWidth, imageColorspace, imageEncoded      = 1, 2, 3, 4
	metaPlugin                                                  = 1
	pluginName, pluginContent                                   = 1, 2
	tensorType, tensorShape, tensorFloats                       = 1, 2, 5
	hparamsVersion, hparamsStart, hparamsEnd                    = 1, 3, 4
	startHParams, startSeconds                                  = 1, 5
	endStatus, endSeconds                                       = 1, 2
	mapKey, mapValue                                            = 1, 2
	protoNumber, protoString, protoBool                         = 2, 3, 4
	sessionStatus                                               = 1
	sessionStart, statusSuccess, dataTypeFloat, colorspaceRGBA8 = 1, 1, 1, 4
)

func (e Event) marshal() []byte {
	var b []byte
	b = double(b, eventWall, e.Wall)
	b = varint(b, eventStep, uint64(e.Step))
	if e.Version != "" {
		b = bytesField(b, eventVersion, []byte(e.Version))
	}
	if e.Start {
		b = bytesField(b, eventSession, varint(nil, sessionStatus, sessionStart))
	}
	if len(e.Values) > 0 {
		var summary []byte
		for _, v := range e.Values {
			summary = bytesField(summary, summaryValue, v.marshal())
		}
		b = bytesField(b, eventSummary, summary)
	}
	return b
}

func (v Value) marshal() []byte {
	b := bytesField(nil, valueTag, []byte(v.Tag))
	switch v.Kind {
	case Scalar:
		b = protowire.AppendTag(b, valueScalar, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(v.Scalar))
	case Image:
		img := varint(nil, imageHeight, uint64(v.Height))
		img = varint(img, imageWidth, uint64(v.Width))
		img = varint(img, imageColorspace, colorspaceRGBA8)
		b = bytesField(b, valueImage, bytesField(img, imageEncoded, v.PNG))
	case HParams, HParamsEnd:
		// The plugin's data are the metadata of a tensor without content: a float scalar 0.
		zero := varint(nil, tensorType, dataTypeFloat)
		zero = bytesField(zero, tensorShape, nil)
		zero = protowire.AppendTag(zero, tensorFloats, protowire.Fixed32Type)
		zero = protowire.AppendFixed32(zero, 0)
		b = bytesField(b, valueTensor, zero)
		plugin := bytesField(nil, pluginName, []byte("hparams"))
		plugin = bytesField(plugin, pluginContent, v.pluginData())
		b = bytesField(b, valueMeta, bytesField(nil, metaPlugin, plugin))
	}
	return b
}

// pluginData is HParamsPluginData of version 0.
func (v Value) pluginData() []byte {
	b := varint(nil, hparamsVersion, 0)
	if v.Kind == HParamsEnd {
		end := varint(nil, endStatus, statusSuccess)
		return bytesField(b, hparamsEnd, double(end, endSeconds, v.Seconds))
	}
	var start []byte
	for _, k := range slices.Sorted(maps.Keys(v.HParams)) {
		entry := bytesField(nil, mapKey, []byte(k))
		start = bytesField(start, startHParams, bytesField(entry, mapValue, protoValue(v.HParams[k])))
	}
	return bytesField(b, hparamsStart, double(start, startSeconds, v.Seconds))
}

// protoValue is google.protobuf.Value.
func protoValue(v any) []byte {
	switch x := v.(type) {
	case bool:
		n := uint64(0)
		if x {
			n = 1
		}
		return varint(nil, protoBool, n)
	case float64:
		return double(nil, protoNumber, x)
	case float32:
		return double(nil, protoNumber, float64(x))
	case int:
		return double(nil, protoNumber, float64(x))
	case int64:
		return double(nil, protoNumber, float64(x))
	case uint64:
		return double(nil, protoNumber, float64(x))
	case string:
		return bytesField(nil, protoString, []byte(x))
	default:
		return bytesField(nil, protoString, []byte(fmt.Sprint(x)))
	}
}

func varint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func double(b []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}

func bytesField(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
