package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	put(t, path, "12345")
	if text, err := Read(path, 5); err != nil || string(text) != "12345" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := Read(path, 4); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "larger than 4 bytes") {
		t.Errorf("a file that is too large: %v", err)
	}
	if _, err := Read(path+"x", 4); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, other := range []string{filepath.Dir(path), "/dev/zero"} {
		if _, err := Read(other, 1<<20); !errors.Is(err, ErrNotAFile) {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// A pipe without a writer is empty, at once.
func TestReadDoesNotWaitForAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	done := make(chan error, 1)
	go func() {
		text, err := Read(path, 10)
		if len(text) > 0 && err == nil {
			err = errors.New("it has text")
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still waiting")
	}
}
