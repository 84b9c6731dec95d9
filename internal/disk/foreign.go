package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// ErrForeign is the error of [Replaceable] for a file of other content.
var ErrForeign = errors.New("the file was not written by this program")

// Replaceable reports whether writing to path loses nothing of others: no file is there, an empty one, one that is no regular file, or one
// whose first bytes, as many as start, mine recognises. Otherwise it is ErrForeign, or why the file cannot be read.
func Replaceable(path string, start int64, mine func([]byte) bool) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() == 0) {
		return nil
	}
	if err != nil {
		return WriteError(path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return WriteError(path, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, start))
	if err != nil {
		return WriteError(path, err)
	}
	if !mine(content) {
		return ErrForeign
	}
	return nil
}
