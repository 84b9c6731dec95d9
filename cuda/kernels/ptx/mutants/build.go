package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"longtail/cuda/kernels/ptx/mutate"

	ptxexec "longtail/cuda/kernels/ptx/exec"
)

const objects = "build/ptx/checked"

// build makes the checked library with the mutant in place of its kernel: the whole modules are linked as they are, the mutant behind them. cuda.mk
// passes the compiler and its flags.
func build(m chosen) (library string, err error) {
	code, err := ptxexec.Kernel(m.module, mutate.Apply(m.text, m.Mutant), m.Kernel)
	if err != nil {
		return "", err
	}
	work := fmt.Sprintf("build/ptx/mutants/%d", os.Getpid()) // several programs may build at once
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", err
	}
	source, object, library := filepath.Join(work, "mutant.cpp"), filepath.Join(work, "mutant.o"), filepath.Join(work, "mutant.so")
	if err := os.WriteFile(source, []byte(code), 0o644); err != nil {
		return "", err
	}
	compiler, flags := os.Getenv("CXX"), strings.Fields(os.Getenv("PTX_FLAGS"))
	if compiler == "" || len(flags) == 0 {
		return "", fmt.Errorf("CXX or PTX_FLAGS is not set\nrun `make mutants`")
	}
	if out, err := exec.Command(compiler, append(flags, "-DCHECKED", "-c", source, "-o", object)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling: %w\n%s", err, out)
	}
	var files []string
	for _, pattern := range []string{"*.o", "ptx/*.o", "kernels/*.o", "kernels/testkernels/*.o"} {
		found, err := filepath.Glob(filepath.Join(objects, pattern))
		if err != nil || len(found) == 0 {
			return "", fmt.Errorf("no objects in %s\nrun `make emulator-ptx`", objects)
		}
		files = append(files, found...)
	}
	arguments := append([]string{"-shared", "-Wl,-Bsymbolic", "-o", library}, append(files, object, "-lpthread")...)
	if out, err := exec.Command(compiler, arguments...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("linking: %w\n%s", err, out)
	}
	return library, nil
}
