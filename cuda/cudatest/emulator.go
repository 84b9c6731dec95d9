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

// ptxOnly is the name of folders whose files are no part of that library, but of those that run the PTX.
const ptxOnly = "ptx"

// leaveOut ends the test binary: loudly, and in CI as a failure.
func leaveOut(reason string) {
	fmt.Fprintf(os.Stderr, "\n*** LEFT OUT: the tests of this package that need CUDA: %s ***\n\n", reason)
	if os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, "CI=true: left-out tests are a failure")
		os.Exit(1)
	}
	os.Exit(0)
}

// newerThan names a source of the emulator that was changed after a moment.
func newerThan(moment time.Time, folders ...string) (newer string, err error) {
	for _, folder := range folders {
		err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && entry.Name() == ptxOnly {
				return fs.SkipDir
			}
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
