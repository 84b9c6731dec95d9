package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// ErrNotAFile is the error of Read for a folder or a device.
var ErrNotAFile = errors.New("it is not a regular file")

// Read reads a file of at most limit bytes. A folder or a device, which may have no end, is ErrNotAFile; a pipe is read as far as its
// writer has come and never waited for, so that the process can be interrupted.
func Read(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() && mode&os.ModeNamedPipe == 0 {
		return nil, &os.PathError{Op: "read", Path: path, Err: ErrNotAFile}
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %d bytes", limit)}
	}
	return text, nil
}
