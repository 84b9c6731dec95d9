package lower

import (
	"fmt"
	"reflect"
)

// Space is what a Ref is relative to.
type Space int32

// The spaces.
const (
	Absolute    Space = iota // Offset is a device address; the zero Ref is the null pointer
	InBlock                  // buffer Index of the schedule
	InStore                  // tensor Index of the schedule, fp32
	InStoreHalf              // the fp16 copy of that tensor
	InPixels                 // bytes of the images, [images, channels, height, width], or those of some steps: see Options.Ring
	InLabels                 // int32 labels of the images
)

// Ref is a pointer in device memory before anything is allocated.
type Ref struct {
	Space  Space
	Index  int
	Offset int64 // bytes
}

// IsNull reports whether the reference is the null pointer.
func (r Ref) IsNull() bool { return r == Ref{} }

// Add is the reference so many bytes further.
func (r Ref) Add(bytes int64) Ref {
	r.Offset += bytes
	return r
}

// String is the reference for messages, such as "buffer 3 + 64".
func (r Ref) String() string {
	if r.IsNull() {
		return "null"
	}
	names := [...]string{"address", "buffer", "tensor", "fp16 copy of tensor", "pixels", "labels"}
	return fmt.Sprintf("%s %d + %d", names[r.Space], r.Index, r.Offset)
}

// access is how a kernel uses what a field of its arguments points to; the field's tag `access` has it, and no tag means read.
type access struct{ read, write bool }

var accesses = map[string]access{"": {read: true}, "write": {write: true}, "update": {true, true}}

var refType = reflect.TypeFor[Ref]()

// eachRef visits the references of arguments or of a table, null pointers left out.
func eachRef(v reflect.Value, how access, visit func(Ref, access)) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == refType {
			if r := v.Interface().(Ref); !r.IsNull() {
				visit(r, how)
			}
			return
		}
		for i := range v.NumField() {
			field := how
			if tag, ok := v.Type().Field(i).Tag.Lookup("access"); ok {
				field = accesses[tag]
			}
			eachRef(v.Field(i), field, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachRef(v.Index(i), how, visit)
		}
	case reflect.Interface:
		eachRef(v.Elem(), how, visit)
	}
}
