package events

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"longtail/internal/fail"

	"google.golang.org/protobuf/encoding/protowire"
)

// Read gives the events of a file. A record that the end of the file cuts off, as a killed process leaves it, is dropped
// silently; a damaged one is a data error, returned with the events before it.
func Read(r io.Reader) ([]Event, error) {
	in := bufio.NewReader(r)
	var all []Event
	for {
		b, err := readRecord(in)
		if err == io.EOF || errors.Is(err, errCut) {
			return all, nil
		}
		if err != nil {
			return all, fail.Data("reading event %d: %w", len(all), err)
		}
		var e Event
		if err := e.unmarshal(b); err != nil {
			return all, fail.Data("reading event %d: %w", len(all), err)
		}
		all = append(all, e)
	}
}

// field is one field of a message.
type field struct {
	number protowire.Number
	bits   uint64 // of a varint or fixed value
	bytes  []byte
}

// each calls f for every field of a message.
func each(b []byte, f func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("a field's tag: %w", protowire.ParseError(n))
		}
		b = b[n:]
		x := field{number: number}
		switch kind {
		case protowire.VarintType:
			x.bits, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			x.bits, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			x.bits = uint64(v)
		case protowire.BytesType:
			x.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return fmt.Errorf("field %d: %w", number, protowire.ParseError(n))
		}
		b = b[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

func (e *Event) unmarshal(b []byte) error {
	return each(b, func(x field) error {
		switch x.number {
		case eventWall:
			e.Wall = math.Float64frombits(x.bits)
		case eventStep:
			e.Step = int64(x.bits)
		case eventVersion:
			e.Version = string(x.bytes)
		case eventSession:
			return each(x.bytes, func(y field) error {
				e.Start = e.Start || y.number == sessionStatus && y.bits == sessionStart
				return nil
			})
		case eventSummary:
			return each(x.bytes, func(y field) error {
				if y.number != summaryValue {
					return nil
				}
				var v Value
				err := v.unmarshal(y.bytes)
				e.Values = append(e.Values, v)
				return err
			})
		}
		return nil
	})
}

func (v *Value) unmarshal(b []byte) error {
	return each(b, func(x field) error {
		switch x.number {
		case valueTag:
			v.Tag = string(x.bytes)
		case valueScalar:
			v.Kind, v.Scalar = Scalar, math.Float32frombits(uint32(x.bits))
		case valueImage:
			v.Kind = Image
			return each(x.bytes, func(y field) error {
				switch y.number {
				case imageHeight:
					v.Height = int(y.bits)
				case imageWidth:
					v.Width = int(y.bits)
				case imageEncoded:
					v.PNG = y.bytes
				}
				return nil
			})
		case valueMeta:
			return v.plugin(x.bytes)
		}
		return nil
	})
}

// inner gives the bytes of the last field of that number.
func inner(b []byte, number protowire.Number) (found []byte, err error) {
	err = each(b, func(x field) error {
		if x.number == number {
			found = x.bytes
		}
		return nil
	})
	return found, err
}

func (v *Value) plugin(meta []byte) error {
	plugin, err := inner(meta, metaPlugin)
	if err != nil {
		return err
	}
	name, err := inner(plugin, pluginName)
	if err != nil || string(name) != "hparams" {
		return err
	}
	content, err := inner(plugin, pluginContent)
	if err != nil {
		return err
	}
	return each(content, func(x field) error {
		switch x.number {
		case hparamsStart:
			v.Kind, v.HParams = HParams, map[string]any{}
			return each(x.bytes, v.start)
		case hparamsEnd:
			v.Kind = HParamsEnd
			return each(x.bytes, func(y field) error {
				if y.number == endSeconds {
					v.Seconds = math.Float64frombits(y.bits)
				}
				return nil
			})
		}
		return nil
	})
}

// start reads one field of SessionStartInfo.
func (v *Value) start(x field) error {
	switch x.number {
	case startSeconds:
		v.Seconds = math.Float64frombits(x.bits)
	case startHParams:
		key, err := inner(x.bytes, mapKey)
		if err != nil {
			return err
		}
		value, err := inner(x.bytes, mapValue)
		if err != nil {
			return err
		}
		return each(value, func(y field) error {
			switch y.number {
			case protoNumber:
				v.HParams[string(key)] = math.Float64frombits(y.bits)
			case protoString:
				v.HParams[string(key)] = string(y.bytes)
			case protoBool:
				v.HParams[string(key)] = y.bits != 0
			}
			return nil
		})
	}
	return nil
}

// maxRecord bounds the size of a record that is read: a picture of a confusion matrix is far below it.
const maxRecord = 64 << 20

// errCut is the end of a file within a record, as a killed process leaves it.
var errCut = errors.New("the file ends within a record")

// readRecord reads one record; io.EOF at the end.
func readRecord(r *bufio.Reader) ([]byte, error) {
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head); err != nil {
		if err == io.EOF {
			return nil, io.EOF
		}
		return nil, errCut
	}
	n := binary.LittleEndian.Uint64(head)
	if maskedCRC(head[:8]) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, errors.New("the checksum of a record's length does not match")
	}
	if n > maxRecord {
		return nil, fmt.Errorf("a record of %d bytes, more than %d", n, maxRecord)
	}
	body := make([]byte, n+4)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, errCut
	}
	if maskedCRC(body[:n]) != binary.LittleEndian.Uint32(body[n:]) {
		return nil, errors.New("the checksum of a record does not match")
	}
	return body[:n], nil
}
