//go:build gpu

package driver

/*
#include <cuda.h>
#include <emulator.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"reflect"
)

// ErrOutOfMemory is what errors.Is finds in the error of an allocation for which the device has no room.
var ErrOutOfMemory = errors.New("out of device memory")

// Error is a call of the driver that failed.
type Error struct {
	Doing  string // what was being done, to what
	Code   int    // CUresult
	Name   string // CUresult's name, for example CUDA_ERROR_ILLEGAL_ADDRESS
	Detail string // what the emulator knows of it, or the log of the PTX compiler; often empty
}

// Error names what was done, the driver's answer and what to do next.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s (%d)", e.Doing, e.Name, e.Code)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if h := hint(e.Code); h != "" {
		text += "\n" + h
	}
	return text
}

// Is makes an out-of-memory answer of the driver equal to ErrOutOfMemory.
func (e *Error) Is(target error) bool {
	return target == ErrOutOfMemory && e.Code == C.CUDA_ERROR_OUT_OF_MEMORY
}

func hint(code int) string {
	switch code {
	case C.CUDA_ERROR_OUT_OF_MEMORY:
		return "use a smaller batch or fewer runs at once"
	case C.CUDA_ERROR_ILLEGAL_ADDRESS, C.CUDA_ERROR_MISALIGNED_ADDRESS, C.CUDA_ERROR_LAUNCH_FAILED, C.CUDA_ERROR_ILLEGAL_INSTRUCTION:
		return "a kernel is at fault: run the same under the driver emulator, or under compute-sanitizer"
	case C.CUDA_ERROR_INVALID_PTX, C.CUDA_ERROR_NO_BINARY_FOR_GPU, C.CUDA_ERROR_UNSUPPORTED_LIMIT:
		return "the driver cannot compile our kernels: longtail doctor says what it needs"
	case C.CUDA_ERROR_ECC_UNCORRECTABLE, C.CUDA_ERROR_HARDWARE_STACK_ERROR, C.CUDA_ERROR_LAUNCH_TIMEOUT:
		return "run nvidia-smi: the GPU needs attention"
	}
	return ""
}

func errorName(code int) string {
	var name *C.char
	if C.cuGetErrorName(C.CUresult(code), &name) != C.CUDA_SUCCESS || name == nil {
		return "unknown error"
	}
	return C.GoString(name)
}

// told is what the emulator has to say of the last error.
func told() string {
	var text *C.char
	if C.emulatorLastError(&text) != C.CUDA_SUCCESS {
		return ""
	}
	return C.GoString(text)
}

func newError(doing string, code int) error {
	if code == C.CUDA_SUCCESS {
		return nil
	}
	return &Error{Doing: doing, Code: code, Name: errorName(code), Detail: told()}
}

// wrap turns an error of cu, an integer type that it does not export, into ours.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if v := reflect.ValueOf(err); v.Kind() == reflect.Int {
		return newError(doing, int(v.Int()))
	}
	return fmt.Errorf("%s: %w", doing, err)
}
