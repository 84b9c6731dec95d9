//go:build unix

package disk

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// mapped maps a new file of so many bytes, all 1.
func mapped(t *testing.T, length int) (*os.File, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, bytes.Repeat([]byte{1}, length), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	content, err := syscall.Mmap(int(f.Fd()), 0, length, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Munmap(content), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return f, content
}

// What lies behind the end of a file that was cut is an error, in a loop, a copy and a hash; what lies before it is read as ever, and the goroutine
// reads other files after it.
func TestMappedFilesThatAreCutOff(t *testing.T) {
	const page = 1 << 16 // a multiple of every system's
	f, content := mapped(t, 3*page)
	_, other := mapped(t, page)
	sum := 0
	reads := map[string]func(b []byte){
		"loop": func(b []byte) {
			for _, x := range b {
				sum += int(x)
			}
		},
		"copy": func(b []byte) { sum += len(bytes.Clone(b)) },
		"hash": func(b []byte) {
			h := sha256.New()
			n, _ := h.Write(b) // never an error
			sum += n
		},
	}
	for _, cut := range []bool{false, true} {
		if cut {
			if err := f.Truncate(page); err != nil {
				t.Fatal(err)
			}
		}
		for name, read := range reads {
			sum = 0
			if err := ReadMapped(content, func() { read(content[:page]) }); err != nil || sum != page {
				t.Errorf("%s, cut %v: %v, %d bytes", name, cut, err, sum)
			}
			if err := ReadMapped(content, func() { read(content) }); cut != errors.Is(err, ErrCutOff) {
				t.Errorf("%s, cut %v: %v", name, cut, err)
			}
			if err := ReadMapped(other, func() { read(other) }); err != nil {
				t.Errorf("%s of another file: %v", name, err)
			}
		}
	}
}

// Panics that have nothing to do with the mapped bytes pass: those of code, and faults elsewhere.
func TestOtherPanicsPass(t *testing.T) {
	f, content := mapped(t, 1<<16)
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	sum, missing := 0, (*int)(nil)
	for name, read := range map[string]func(){
		"word": func() { panic("word") },
		"nil":  func() { sum += *missing },
		"elsewhere": func() {
			for _, x := range content {
				sum += int(x)
			}
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			err := ReadMapped(make([]byte, 10), read)
			t.Errorf("%s: %v", name, err)
		}()
	}
}
