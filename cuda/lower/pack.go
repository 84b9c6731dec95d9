package lower

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
)

// Pack lays out values as C does, each at a multiple of its alignment: references, 32-bit and 64-bit numbers, structs, arrays and slices of those.
// References become the addresses that address gives. It packs a kernel's parameters and the contents of
// tables.
func Pack(address func(Ref) uint64, values ...any) ([]byte, error) {
	p := packer{address: address}
	for _, v := range values {
		if err := p.add(reflect.ValueOf(v)); err != nil {
			return nil, err
		}
	}
	return p.bytes, nil
}

// sizeOf is the bytes that values of a type take in C, and their alignment.
func sizeOf(t reflect.Type) (size, alignment int, err error) {
	switch {
	case t == nil:
		return 0, 0, fmt.Errorf("a value without a type has no size in C")
	case t == refType:
		return 8, 8, nil
	}
	switch t.Kind() {
	case reflect.Int32, reflect.Uint32, reflect.Float32:
		return 4, 4, nil
	case reflect.Int64, reflect.Uint64, reflect.Float64:
		return 8, 8, nil
	case reflect.Array:
		size, alignment, err = sizeOf(t.Elem())
		return t.Len() * size, alignment, err
	case reflect.Struct:
		alignment = 1
		for i := range t.NumField() {
			n, a, err := sizeOf(t.Field(i).Type)
			if err != nil {
				return 0, 0, fmt.Errorf("%s.%s: %w", t.Name(), t.Field(i).Name, err)
			}
			size, alignment = roundUp(size, a)+n, max(alignment, a)
		}
		return roundUp(size, alignment), alignment, nil
	}
	return 0, 0, fmt.Errorf("%v has no fixed size in C: use Ref, int32, uint32, int64, uint64, float32, float64, or a struct or an array of those", t)
}

// CeilDiv is n / by, rounded up.
func CeilDiv(n, by int) int { return (n + by - 1) / by }

func roundUp(n, to int) int { return CeilDiv(n, to) * to }

type packer struct {
	bytes   []byte
	address func(Ref) uint64
}

func (p *packer) align(to int) {
	for len(p.bytes)%to != 0 {
		p.bytes = append(p.bytes, 0)
	}
}

func (p *packer) add(v reflect.Value) error {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Array {
		for i := range v.Len() {
			if err := p.add(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if !v.IsValid() {
		return fmt.Errorf("nil is no value that a kernel takes")
	}
	_, alignment, err := sizeOf(v.Type())
	if err != nil {
		return err
	}
	p.align(alignment)
	switch {
	case v.Type() == refType:
		p.bytes = binary.NativeEndian.AppendUint64(p.bytes, p.address(v.Interface().(Ref)))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if err := p.add(v.Field(i)); err != nil {
				return err
			}
		}
		p.align(alignment)
	default:
		p.number(v)
	}
	return nil
}

func (p *packer) number(v reflect.Value) {
	switch v.Kind() {
	case reflect.Int32:
		p.bytes = binary.NativeEndian.AppendUint32(p.bytes, uint32(v.Int()))
	case reflect.Uint32:
		p.bytes = binary.NativeEndian.AppendUint32(p.bytes, uint32(v.Uint()))
	case reflect.Float32:
		p.bytes = binary.NativeEndian.AppendUint32(p.bytes, math.Float32bits(float32(v.Float())))
	case reflect.Int64:
		p.bytes = binary.NativeEndian.AppendUint64(p.bytes, uint64(v.Int()))
	case reflect.Uint64:
		p.bytes = binary.NativeEndian.AppendUint64(p.bytes, v.Uint())
	case reflect.Float64:
		p.bytes = binary.NativeEndian.AppendUint64(p.bytes, math.Float64bits(v.Float()))
	}
}
