package disk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceable(t *testing.T) {
	dir := t.TempDir()
	mine := func(content []byte) bool { return bytes.Equal(content, []byte("ours")) }
	for text, want := range map[string]error{"": nil, "ours": nil, "ours and more": nil, "our": ErrForeign, "diary": ErrForeign} {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := Replaceable(path, 4, mine); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	for _, path := range []string{filepath.Join(dir, "none"), dir} {
		if err := Replaceable(path, 4, mine); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
