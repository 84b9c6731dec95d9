package cpu

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePages asks for large pages behind a big block, before anything is in it: passes over a batch touch so many small pages that
// looking them up costs as much as the data. What the system answers changes no result.
func hugePages(block []float32) {
	const page = 2 << 20
	if len(block) == 0 {
		return
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&block[0])), 4*len(block))
	skip := int(-uintptr(unsafe.Pointer(&block[0])) % page)
	if whole := (len(bytes) - skip) / page * page; whole > 0 {
		unix.Madvise(bytes[skip:skip+whole], unix.MADV_HUGEPAGE)
	}
}
