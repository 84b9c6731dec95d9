//go:build unix

package pack

import (
	"os"
	"syscall"
)

// mapFile is the content of a file of a length, mapped into memory for as long as the process lives: images that point into it are
// handed around freely, and a mapping costs addresses alone.
func mapFile(f *os.File, length int64) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, int(length), syscall.PROT_READ, syscall.MAP_SHARED)
}
