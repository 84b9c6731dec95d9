package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteAtomically writes a file so that a reader, or a machine that loses power, finds the old file or the whole new one:
// a temporary file in the same folder, synced, renamed, and the folder synced. An error (a full disk, say) leaves the old
// file as it was.
func WriteAtomically(path string, content []byte) error {
	return writeAtomically(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// writeAtomically is WriteAtomically for content that write produces. The temporary file matches leftovers.
func writeAtomically(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return writeError(path, err)
	}
	err = errors.Join(f.Chmod(0o644), write(f))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return writeError(path, errors.Join(err, os.Remove(f.Name())))
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return writeError(path, err)
	}
	return nil
}

// syncFolder makes the names in a folder last.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeError says which file could not be written and what to do about it.
func writeError(path string, err error) error {
	return fmt.Errorf("writing %s: %w\nnothing that was saved is lost: make room or give the folder write permission, then give the same command again", path, err)
}
