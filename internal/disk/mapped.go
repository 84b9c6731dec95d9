package disk

import (
	"errors"
	"runtime"
	"runtime/debug"
	"unsafe"
)

// ErrCutOff is the error of ReadMapped for bytes that are not behind their addresses any more.
var ErrCutOff = errors.New("it was cut off, or its disk failed, while it was read")

// ReadMapped calls read, whose Go code may read the mapped bytes of a file in this goroutine. A file that becomes shorter than what is mapped of
// it, and a disk that fails, make the processor fault, which would end the program: here it ends read, and the error is ErrCutOff. All other
// panics of read pass.
func ReadMapped(mapped []byte, read func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface {
			runtime.Error
			Addr() uintptr // of the fault
		}:
			if fault.Addr()-uintptr(unsafe.Pointer(unsafe.SliceData(mapped))) >= uintptr(len(mapped)) {
				panic(fault)
			}
			err = ErrCutOff
		default:
			panic(fault)
		}
	}()
	read()
	return nil
}
