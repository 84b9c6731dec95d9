//go:build unix && !aix && !solaris

package disk

import (
	"errors"
	"os"
	"syscall"
)

// Lock takes an exclusive advisory lock on an open file or folder, without waiting: ErrLocked where another process holds it,
// the system's error where the file system has no locks. The lock lasts until f is closed or the process ends, however it ends.
func Lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
