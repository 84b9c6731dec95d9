package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/mutate"

	ptxexec "longtail/cuda/kernels/ptx/exec"
)

// kind is a build of the library: its objects, and what the compiler must be told.
type kind struct {
	objects string
	define  []string
}

var (
	fast    = kind{"build/ptx/fast", nil}
	checked = kind{"build/ptx/checked", []string{"-DCHECKED"}}
)

// build makes a library with the mutant in place of its kernel, in a folder that is the mutant's: the whole modules are linked as they are, the mutant
// behind them. cuda.mk passes the compiler and its flags.
func build(m chosen, k kind, folder string) (library string, err error) {
	code, err := ptxexec.Kernel(m.module, mutate.Apply(m.text, m.Mutant), m.Kernel)
	if err != nil {
		return "", err
	}
	source, object, library := filepath.Join(folder, "mutant.cpp"), filepath.Join(folder, "mutant.o"), filepath.Join(folder, "mutant.so")
	if err := os.WriteFile(source, []byte(code), 0o644); err != nil {
		return "", err
	}
	flags := strings.Fields(os.Getenv("PTX_FLAGS"))
	if os.Getenv("CXX") == "" || len(flags) == 0 {
		return "", fmt.Errorf("CXX or PTX_FLAGS is not set\nrun `make mutants`")
	}
	if err := compile(flags, k.define, []string{"-g0", "-c", source, "-o", object}); err != nil {
		return "", err
	}
	var files []string
	for _, pattern := range []string{"*.o", "ptx/*.o", "kernels/*.o", "kernels/testkernels/*.o"} {
		found, err := filepath.Glob(filepath.Join(k.objects, pattern))
		if err != nil || len(found) == 0 {
			return "", fmt.Errorf("no objects in %s\nrun `make emulator-ptx`", k.objects)
		}
		files = append(files, found...)
	}
	return library, compile([]string{"-shared", "-Wl,-Bsymbolic", "-o", library}, files, []string{object, "-lpthread"})
}

func compile(arguments ...[]string) error {
	out, err := exec.Command(os.Getenv("CXX"), slices.Concat(arguments...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", os.Getenv("CXX"), err, out)
	}
	return nil
}
