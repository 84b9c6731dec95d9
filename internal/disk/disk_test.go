package disk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestWriteReplacesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	for _, text := range []string{"old", "new"} {
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := Write(filepath.Join(dir, "none", "a"), nil); err == nil || !strings.Contains(err.Error(), "none") || !strings.Contains(err.Error(), "permission") {
		t.Errorf("error %v, want one that names the folder and the way out", err)
	}
}

func TestWriteToKeepsLinksAndPipes(t *testing.T) {
	dir := t.TempDir()
	target, link, pipe, loose := filepath.Join(dir, "a"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe"), filepath.Join(dir, "loose")
	put(t, target, "old")
	if err := errors.Join(os.Symlink("a", link), os.Symlink("nowhere", loose), syscall.Mkfifo(pipe, 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := WriteTo(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(target); string(text) != "new" {
		t.Errorf("behind the link: %q", text)
	}
	for _, path := range []string{dir, pipe, loose} { // the pipe has no reader
		if err := WriteTo(path, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := WriteTo(pipe, []byte("page")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 10)
	if n, err := reader.Read(got); err != nil || string(got[:n]) != "page" {
		t.Errorf("from the pipe: %q, %v", got[:n], err)
	}
	for path, want := range map[string]os.FileMode{link: os.ModeSymlink, loose: os.ModeSymlink, pipe: os.ModeNamedPipe} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != want {
			t.Errorf("%s became %v, %v", path, info.Mode(), err)
		}
	}
	if err := WriteTo(os.DevNull, []byte("x")); err != nil {
		t.Error(err)
	}
}

func TestFullDiskLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	put(t, path, "old")
	err := writeWith(path, func(w io.Writer) error {
		if _, err := w.Write([]byte("ne")); err != nil {
			return err
		}
		return syscall.ENOSPC
	})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "old" {
		t.Errorf("the old file is now %q", text)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestLeftoversAreTheTemporaryFilesOfWrite(t *testing.T) {
	dir := t.TempDir()
	var temporary string
	err := writeWith(filepath.Join(dir, "a.json"), func(io.Writer) error {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 || !IsLeftover(entries[0], "a.json") {
			t.Errorf("%v, %v: not recognised while writing", entries, err)
		}
		temporary = entries[0].Name()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".a.json.swp", ".a.json.", "a.json.12", ".b.json.12", temporary + "x"} {
		put(t, filepath.Join(dir, name), "")
	}
	if err := os.Mkdir(filepath.Join(dir, ".a.json.34"), 0o777); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 7 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		if IsLeftover(e, "a.json") {
			t.Errorf("%s is taken for a leftover", e.Name())
		}
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	dir := t.TempDir()
	open := func() *os.File {
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, second := open(), open()
	if err := Lock(first); err != nil {
		t.Fatal(err)
	}
	if err := Lock(second); !errors.Is(err, ErrLocked) {
		t.Errorf("the second gets %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Lock(second); err != nil {
		t.Errorf("after the first is closed: %v", err)
	}
}

func TestOnlyWhatIsNotThereDoesNotExist(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	put(t, file, "")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		dir: true, file: true, filepath.Join(dir, "link"): true,
		filepath.Join(dir, "none"): false, filepath.Join(file, "below"): false,
		filepath.Join(dir, strings.Repeat("x", 300)): true, // the system refuses to look
	} {
		if got := Exists(path); got != want {
			t.Errorf("Exists(%.80s) = %v, want %v", path, got, want)
		}
	}
}
