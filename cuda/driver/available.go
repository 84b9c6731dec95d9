//go:build gpu

package driver

/*
#include <cuda.h>
#include <emulator.h>
#include <trampolines.h>
*/
import "C"

import (
	"cmp"
	"fmt"
	"sync"

	"longtail/internal/fail"

	"gorgonia.org/cu"
)

// Built reports whether this program has CUDA.
const Built = true

// Available describes the first GPU. Where it cannot be used, the error is of the kind fail.Device and says what is missing: the
// driver, a device, or a recent version of either.
func Available() (Info, error) {
	_, info, err := find(0)
	return info, err
}

// Count is the number of GPUs, usable or not; 0 where there is no driver.
func Count() int {
	status := C.trampolineStatus()
	if status.problem != nil || status.init != C.CUDA_SUCCESS {
		return 0
	}
	n, err := cu.NumDevices()
	if err != nil {
		return 0
	}
	return n
}

// find is Available for the GPU of that number, counted from 0.
func find(ordinal int) (cu.Device, Info, error) {
	status := C.trampolineStatus()
	library := C.GoString(status.library)
	if status.problem != nil {
		return 0, Info{}, fail.Device("no CUDA driver: %s\ninstall the NVIDIA driver, or use --device cpu", C.GoString(status.problem))
	}
	if status.init != C.CUDA_SUCCESS {
		return 0, Info{}, fail.Device("%s\n%s", initProblem(library, int(status.init)), cmp.Or(initDetail(), initHint(int(status.init))+", or use --device cpu"))
	}
	count, err := cu.NumDevices()
	switch {
	case err != nil:
		return 0, Info{}, fail.Device("counting GPUs: %w\nrun nvidia-smi, or use --device cpu", wrap("counting GPUs", err))
	case count == 0:
		return 0, Info{}, fail.Device("the CUDA driver %s finds no GPU\ncheck CUDA_VISIBLE_DEVICES and nvidia-smi, or use --device cpu", library)
	case ordinal < 0 || ordinal >= count:
		return 0, Info{}, fail.Device("there is no GPU %d: the driver finds %d, counted from 0\ncheck CUDA_VISIBLE_DEVICES and nvidia-smi", ordinal, count)
	}
	device, err := cu.GetDevice(ordinal)
	if err != nil {
		return 0, Info{}, fail.Device("%w", wrap(fmt.Sprintf("opening GPU %d", ordinal), err))
	}
	info, err := describe(device)
	if err != nil {
		return 0, Info{}, fail.Device("%w", err)
	}
	return device, info, tooOld(info)
}

func initProblem(library string, code int) string {
	if code < 0 {
		return library + " is no CUDA driver: it lacks cuInit"
	}
	return fmt.Sprintf("the CUDA driver %s does not start: %s (%d)", library, errorName(code), code)
}

// initDetail is what the emulator has to say of a start that failed.
var initDetail = sync.OnceValue(told)

func initHint(code int) string {
	switch code {
	case C.CUDA_ERROR_NO_DEVICE:
		return "check CUDA_VISIBLE_DEVICES and nvidia-smi"
	case C.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
		return "the kernel module and the library are of different versions: restart the machine"
	}
	return "run nvidia-smi to see what is wrong"
}

func tooOld(i Info) error {
	if i.DriverVersion < NeededDriver {
		return fail.Device("the driver is too old: it is for CUDA %s, our kernels need %d.%d\ninstall a newer NVIDIA driver, or use --device cpu", i.Driver(), NeededDriver/1000, NeededDriver%1000/10)
	}
	if i.Compute < NeededCompute {
		return fail.Device("%s is too old: its compute capability is %d.%d, our kernels need %d.%d (V100 or later)\nuse --device cpu", i.Name, i.Compute/10, i.Compute%10, NeededCompute/10, NeededCompute%10)
	}
	return nil
}

func describe(d cu.Device) (Info, error) {
	i := Info{Library: C.GoString(C.trampolineStatus().library), DriverVersion: cu.Version()}
	var err error
	if i.Name, err = d.Name(); err != nil {
		return i, wrap("asking for the GPU's name", err)
	}
	if i.Memory, err = d.TotalMem(); err != nil {
		return i, wrap("asking for the GPU's memory", err)
	}
	var major, minor int
	for _, a := range []struct {
		which cu.DeviceAttribute
		to    *int
	}{
		{cu.ComputeCapabilityMajor, &major}, {cu.ComputeCapabilityMinor, &minor},
		{cu.MultiprocessorCount, &i.Multiprocessors}, {C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &i.SharedMemory},
	} {
		if *a.to, err = d.Attribute(a.which); err != nil {
			return i, wrap(fmt.Sprintf("asking for attribute %d of the GPU", a.which), err)
		}
	}
	i.Compute = 10*major + minor
	_, i.Emulated = ReadCounters()
	return i, nil
}

// ReadCounters gives what the emulator has counted; false on a real driver, which counts nothing.
func ReadCounters() (Counters, bool) {
	var c C.emulatorCounters_t
	if C.emulatorCounters(&c) != C.CUDA_SUCCESS {
		return Counters{}, false
	}
	return Counters{
		Launches: uint64(c.launches), Copies: uint64(c.copies), Fills: uint64(c.fills), BytesRead: uint64(c.bytes_read),
		BytesWritten: uint64(c.bytes_written), MMA: uint64(c.multiplications), Checked: c.checked != 0,
	}, true
}
