package cpu

import (
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// yield lets other programs have the processor of the calling thread, and returns at once where none wants it.
func yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// processor is the number of the processor on which the calling thread runs, or unknown.
func processor() int32 {
	var n uint32
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&n)), 0, 0); errno != 0 {
		return unknown
	}
	return int32(n)
}

// moveFrom moves the calling thread from a processor to one that is not taken, and returns the number of that one, or that of the first where there is
// none. The system may move the thread on, to any processor on which it could run before.
func moveFrom(at int32, taken []int32) int32 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil {
		return at
	}
	for n := range int32(8 * unsafe.Sizeof(all)) {
		if !all.IsSet(int(n)) || slices.Contains(taken, n) {
			continue
		}
		var one unix.CPUSet
		one.Set(int(n))
		if unix.SchedSetaffinity(0, &one) == nil {
			at = n
		}
		unix.SchedSetaffinity(0, &all)
		break
	}
	return at
}
