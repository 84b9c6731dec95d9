//go:build gpu

package driver

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"gorgonia.org/cu"
)

// Ptr is an address in device memory; the host cannot follow it.
type Ptr uint64

// Add is the address bytes further on.
func (p Ptr) Add(bytes int64) Ptr { return Ptr(int64(p) + bytes) }

// Pinned is host memory that a GPU copies to and from while the host continues.
type Pinned struct {
	context *Context
	bytes   []byte
}

// AllocPinned allocates pinned host memory, zeroed.
func (c *Context) AllocPinned(bytes int64) (*Pinned, error) {
	var p unsafe.Pointer
	err := c.do(fmt.Sprintf("allocating %s of pinned host memory", size(bytes)), func() (err error) {
		p, err = hostAlloc(bytes)
		return err
	})
	if err != nil {
		return nil, err
	}
	b := unsafe.Slice((*byte)(p), bytes)
	clear(b)
	return &Pinned{c, b}, nil
}

// Bytes is the memory. A copy under way reads or writes it until the stream is synchronised.
func (p *Pinned) Bytes() []byte { return p.bytes }

// Free gives the memory back; Bytes must not be used afterwards.
func (p *Pinned) Free() error {
	if p.bytes == nil {
		return nil
	}
	at := unsafe.Pointer(unsafe.SliceData(p.bytes))
	p.bytes = nil
	return p.context.do("freeing pinned host memory", func() error { return cu.MemFreeHost(at) })
}

func (p *Pinned) check(offset, n int64) error {
	if offset < 0 || n < 0 || offset > int64(len(p.bytes))-n {
		return fmt.Errorf("bytes %d to %d of %d bytes of pinned memory", offset, offset+n, len(p.bytes))
	}
	return nil
}

// UploadPinned copies n bytes of host memory, from offset on, to the device, in the stream's order, while the host continues.
func (s *Stream) UploadPinned(to Ptr, from *Pinned, offset, n int64) error {
	if err := from.check(offset, n); err != nil || n == 0 {
		return err
	}
	return s.context.do(fmt.Sprintf("copying %s to the device", size(n)), func() error {
		return cu.MemcpyHtoDAsync(cu.DevicePtr(to), unsafe.Pointer(&from.bytes[offset]), n, s.handle)
	})
}

// DownloadPinned copies n bytes of the device to host memory at offset, in the stream's order, while the host continues: they are there
// after Synchronize.
func (s *Stream) DownloadPinned(to *Pinned, offset int64, from Ptr, n int64) error {
	if err := to.check(offset, n); err != nil || n == 0 {
		return err
	}
	return s.context.do(fmt.Sprintf("copying %s from the device", size(n)), func() error {
		return cu.MemcpyDtoHAsync(unsafe.Pointer(&to.bytes[offset]), cu.DevicePtr(from), n, s.handle)
	})
}

// Copy copies n bytes within the device, in the stream's order.
func (s *Stream) Copy(to, from Ptr, n int64) error {
	return s.context.do(fmt.Sprintf("copying %s on the device", size(n)), func() error {
		return cu.MemcpyDtoDAsync(cu.DevicePtr(to), cu.DevicePtr(from), n, s.handle)
	})
}

// Fill8 sets n bytes, in the stream's order.
func (s *Stream) Fill8(to Ptr, value byte, n int64) error {
	return s.context.do(fmt.Sprintf("filling %s", size(n)), func() error {
		return cu.MemsetD8Async(cu.DevicePtr(to), value, n, s.handle)
	})
}

// Fill32 sets n 32-bit words, in the stream's order.
func (s *Stream) Fill32(to Ptr, value uint32, n int64) error {
	return s.context.do(fmt.Sprintf("filling %s", size(4*n)), func() error {
		return cu.MemsetD32Async(cu.DevicePtr(to), uint(value), n, s.handle)
	})
}

// Plain is what Upload and Download move: values without pointers.
type Plain interface {
	~int8 | ~uint8 | ~int16 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64 | ~float32 | ~float64
}

// Bytes is the memory of values.
func Bytes[T Plain](values []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(one)))
}

// Upload copies values to the device, in the stream's order, and waits.
func Upload[T Plain](s *Stream, to Ptr, values []T) error {
	b := Bytes(values)
	n := int64(len(b))
	if n == 0 {
		return nil
	}
	var pinner runtime.Pinner // the driver keeps the address until the stream gets there
	defer pinner.Unpin()
	pinner.Pin(&b[0])
	err := s.context.do(fmt.Sprintf("copying %s to the device", size(n)), func() error {
		return cu.MemcpyHtoDAsync(cu.DevicePtr(to), unsafe.Pointer(&b[0]), n, s.handle)
	})
	return errors.Join(err, s.Synchronize())
}

// Download copies len(values) values from the device, in the stream's order, and waits.
func Download[T Plain](s *Stream, values []T, from Ptr) error {
	b := Bytes(values)
	n := int64(len(b))
	if n == 0 {
		return nil
	}
	var pinner runtime.Pinner // the driver keeps the address until the stream gets there
	defer pinner.Unpin()
	pinner.Pin(&b[0])
	err := s.context.do(fmt.Sprintf("copying %s from the device", size(n)), func() error {
		return cu.MemcpyDtoHAsync(unsafe.Pointer(&b[0]), cu.DevicePtr(from), n, s.handle)
	})
	return errors.Join(err, s.Synchronize())
}
