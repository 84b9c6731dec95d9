// Package disk writes, locks and reads files in such a way that a crash, a full disk or a careless edit costs nothing.
//
// Write replaces a whole file atomically: it writes beside it, syncs, renames and syncs the folder, so that a reader sees the old
// content or the new. Lock keeps two processes apart until the file is closed or the process ends. Read takes regular files up
// to a limit and never waits for a device, ReadInput pipes too; Hash does not hold a file in memory. Decode reads JSON strictly: unknown keys, null in a list and text behind the value are errors.
// WriteError words a failed write, with what to do about it.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrLocked is the error of [Lock] where another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Write replaces the file at path so that a reader, or a machine that loses power, finds the old file or the whole new one: it
// writes a temporary file in the same folder, syncs it, renames it and syncs the folder. After an error (a full disk, say) the
// old file is unchanged. Errors are those of [WriteError].
func Write(path string, content []byte) error {
	return writeWith(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// WriteTo writes what a user asked to have at path: the file that a link leads to is replaced, and the link stays; into a device or a
// pipe the content is written, and it stays one. Errors are those of [WriteError].
func WriteTo(path string, content []byte) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil {
			return WriteError(path, errors.New("it is a link to a file that does not exist"))
		}
		return Write(path, content)
	case err != nil:
		return WriteError(path, err)
	case info.IsDir():
		return WriteError(path, errors.New("it is a folder"))
	case info.Mode().IsRegular():
		target, err := filepath.EvalSymlinks(path)
		if err != nil {
			return WriteError(path, err)
		}
		return Write(target, content)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0) // a pipe without a reader is not waited for
	if err != nil {
		return WriteError(path, err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return WriteError(path, err)
	}
	return nil
}

// writeWith is Write for content that write produces. The temporary file's name is one that IsLeftover knows.
func writeWith(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return WriteError(path, err)
	}
	_ = f.Chmod(0o644) // some file systems have no permissions and refuse; others can read the file where it works
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return WriteError(path, errors.Join(err, os.Remove(f.Name())))
	}
	if err := SyncFolder(filepath.Dir(path)); err != nil {
		return WriteError(path, err)
	}
	return nil
}

// IsLeftover reports whether entry is the temporary file of a Write to a file called name whose process was killed:
// ".NAME.DIGITS".
func IsLeftover(entry fs.DirEntry, name string) bool {
	digits, ok := strings.CutPrefix(entry.Name(), "."+name+".")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == "" && entry.Type().IsRegular()
}

// SyncFolder makes the names in a folder survive a power cut.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// WriteError is err with the file that could not be written and what to do about it.
func WriteError(path string, err error) error {
	return fmt.Errorf("writing %s: %w\nnothing that was saved is lost: make room or give the folder write permission, then give the same command again", path, err)
}

// Exists reports whether there is something at path. A failure to look (no permission, a broken disk) counts as something, so
// that reading it fails with the reason instead of a new file replacing the old one.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}

// Same reports whether two paths lead to one file or folder that exists.
func Same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
