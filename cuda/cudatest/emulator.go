package cudatest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Library is where `make emulator` puts the checked build, in the repository.
const Library = "bin/libcuda_emulator.so"

// leaveOut ends the test binary: loudly, and in CI as a failure.
func leaveOut(reason string) {
	fmt.Fprintf(os.Stderr, "\n*** LEFT OUT: the tests of this package that need CUDA: %s ***\n\n", reason)
	if os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, "CI=true: left-out tests are a failure")
		os.Exit(1)
	}
	os.Exit(0)
}

// root is the folder of go.mod, above the working directory.
func root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if filepath.Dir(folder) == folder {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		folder = filepath.Dir(folder)
	}
}

// emulator finds the library. missing says that it was not made; an error, that it must not be used.
func emulator() (path string, missing bool, err error) {
	top, err := root()
	if err != nil {
		return "", false, err
	}
	path = filepath.Join(top, Library)
	// Reading, not only looking, makes the go command run cached tests again when the library has changed.
	if _, err := os.ReadFile(path); err != nil {
		return path, true, nil
	}
	library, err := os.Stat(path)
	if err != nil {
		return path, true, nil
	}
	newer, err := newerThan(library.ModTime(), filepath.Join(top, "cuda", "emulator"), filepath.Join(top, "cuda", "kernels"))
	if err != nil {
		return path, false, err
	}
	if newer != "" {
		return path, false, fmt.Errorf("%s is older than %s\nrun `make emulator`", path, newer)
	}
	return path, false, nil
}

// newerThan names a source of the emulator that was changed after a moment.
func newerThan(moment time.Time, folders ...string) (newer string, err error) {
	for _, folder := range folders {
		err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.Contains(".cpp .h .cu ", filepath.Ext(path)+" ") {
				return err
			}
			info, err := entry.Info()
			if err == nil && info.ModTime().After(moment) {
				newer = path
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return newer, nil
}

func exit(m *testing.M) { os.Exit(m.Run()) }
