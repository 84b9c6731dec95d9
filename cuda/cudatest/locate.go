//go:build gpu

package cudatest

import (
	"fmt"
	"os"
	"path/filepath"
)

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
