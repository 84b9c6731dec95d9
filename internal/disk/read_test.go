package disk

import (
	"errors"
	"os"
	"os/signal"
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

// pipe makes one, with a writer where it is wanted.
func pipe(t *testing.T, writer bool) (string, *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if !writer {
		return path, nil
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return path, w
}

// within is the error of read, which must not wait.
func within(t *testing.T, read func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- read() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("still waiting")
		return nil
	}
}

func TestOnlyInputsMayBePipes(t *testing.T) {
	for _, writer := range []bool{false, true} {
		path, _ := pipe(t, writer)
		for name, read := range map[string]func() error{
			"Read": func() error { _, err := Read(path, 10); return err },
			"Hash": func() error { _, err := Hash(path, 10); return err },
		} {
			if err := within(t, read); !errors.Is(err, ErrNotAFile) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, writer %v: %v", name, writer, err)
			}
		}
	}
}

func TestReadInputReadsAPipeToItsEnd(t *testing.T) {
	path, w := pipe(t, true)
	go func() {
		time.Sleep(10 * time.Millisecond)
		_, _ = w.WriteString("123")
		w.Close()
	}()
	var text []byte
	err := within(t, func() (err error) { text, err = ReadInput(path, 3); return err })
	if err != nil || string(text) != "123" {
		t.Errorf("%q, %v", text, err)
	}
	path, full := pipe(t, true)
	if _, err := full.WriteString("1234"); err != nil {
		t.Fatal(err)
	}
	if err := within(t, func() error { _, err := ReadInput(path, 3); return err }); err == nil || !strings.Contains(err.Error(), "larger than 3 bytes") {
		t.Errorf("too much: %v", err)
	}
	path, _ = pipe(t, false)
	if err := within(t, func() error { _, err := ReadInput(path, 3); return err }); !errors.Is(err, ErrNothingWritten) {
		t.Errorf("without a writer: %v", err)
	}
}

func TestReadingAPipeCanBeInterrupted(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM) // the signal must not end the test
	defer signal.Stop(signals)
	path, _ := pipe(t, true)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
			}
		}
	}()
	if err := within(t, func() error { _, err := ReadInput(path, 10); return err }); !errors.Is(err, ErrInterrupted) {
		t.Errorf("%v", err)
	}
}

// A file may be longer than memory without having any bytes on the disk.
func TestLongFilesAreNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	put(t, path, "")
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip(err)
	}
	for name, read := range map[string]func() error{
		"Read": func() error { _, err := Read(path, 1<<30); return err },
		"Hash": func() error { _, err := Hash(path, 1<<30); return err },
	} {
		if err := within(t, read); err == nil || !strings.Contains(err.Error(), "larger than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	put(t, path, "abc")
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, appendix B.1
	if got, err := Hash(path, 3); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}
