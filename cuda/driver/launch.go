//go:build gpu

package driver

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// Dim is the size of a grid in blocks or of a block in threads.
type Dim struct{ X, Y, Z int }

// D1 is a size in one dimension.
func D1(x int) Dim { return Dim{x, 1, 1} }

// D2 is a size in two dimensions.
func D2(x, y int) Dim { return Dim{x, y, 1} }

// String is the size in three dimensions, as 128x1x1.
func (d Dim) String() string { return fmt.Sprintf("%dx%dx%d", d.X, d.Y, d.Z) }

// Launch queues the kernel: grid blocks of block threads, with shared bytes of dynamic shared memory each. The arguments are the
// kernel's parameters in order: Ptr for a pointer, int32, uint32, int64, uint64, float32, or a struct of those; int is refused, because C
// has no type of its size everywhere.
func (f *Function) Launch(s *Stream, grid, block Dim, shared int, arguments ...any) error {
	packed, err := Pack(arguments...)
	if err != nil {
		return fmt.Errorf("launching kernel %s: %w", f.name, err)
	}
	return f.LaunchPacked(s, grid, block, shared, packed)
}

// LaunchPacked is Launch with parameters that Pack has laid out; they are read before it returns.
func (f *Function) LaunchPacked(s *Stream, grid, block Dim, shared int, packed []byte) error {
	for _, n := range []int{grid.X, grid.Y, grid.Z, block.X, block.Y, block.Z} {
		if n < 1 || n > math.MaxInt32 {
			return fmt.Errorf("launching kernel %s: a grid of %v blocks of %v threads", f.name, grid, block)
		}
	}
	if shared < 0 {
		return fmt.Errorf("launching kernel %s: %d bytes of shared memory", f.name, shared)
	}
	return f.context.do(fmt.Sprintf("launching kernel %s, grid %v, block %v, %d bytes of shared memory", f.name, grid, block, shared), func() error {
		return launch(f.handle, grid, block, shared, s.handle, packed)
	})
}

// Pack lays out kernel parameters by C's rules: each at a multiple of its alignment.
func Pack(arguments ...any) ([]byte, error) {
	var b []byte
	for i, a := range arguments {
		switch v := a.(type) {
		case Ptr:
			b = binary.NativeEndian.AppendUint64(align(b, 8), uint64(v))
		case int64:
			b = binary.NativeEndian.AppendUint64(align(b, 8), uint64(v))
		case uint64:
			b = binary.NativeEndian.AppendUint64(align(b, 8), v)
		case int32:
			b = binary.NativeEndian.AppendUint32(align(b, 4), uint32(v))
		case uint32:
			b = binary.NativeEndian.AppendUint32(align(b, 4), v)
		case float32:
			b = binary.NativeEndian.AppendUint32(align(b, 4), math.Float32bits(v))
		default:
			t := reflect.TypeOf(a)
			if t == nil || t.Kind() != reflect.Struct || !plain(t) {
				return nil, fmt.Errorf("argument %d is of type %T: use Ptr, int32, uint32, int64, uint64, float32 or a struct of those", i, a)
			}
			p := reflect.New(t)
			p.Elem().Set(reflect.ValueOf(a))
			b = append(align(b, t.Align()), unsafe.Slice((*byte)(p.UnsafePointer()), t.Size())...)
		}
	}
	return b, nil
}

func align(b []byte, to int) []byte {
	for len(b)%to != 0 {
		b = append(b, 0)
	}
	return b
}

// plain reports whether a type has the same size and alignment in Go and in C.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Int8, reflect.Uint8, reflect.Int16, reflect.Uint16, reflect.Int32, reflect.Uint32, reflect.Int64, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	case reflect.Array:
		return t.Len() > 0 && plain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return t.NumField() > 0
	}
	return false
}
