//go:build !unix

package pack

import (
	"io"
	"os"
)

// mapFile is the content of a file of a length, read into memory.
func mapFile(f *os.File, length int64) ([]byte, error) {
	content := make([]byte, length)
	_, err := io.ReadFull(io.NewSectionReader(f, 0, length), content)
	return content, err
}
