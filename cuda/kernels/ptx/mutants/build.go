package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	ptxexec "longtail/cuda/kernels/ptx/exec"
	"longtail/cuda/kernels/ptx/trace"
)

// objects are those of the checked build of the PTX.
const objects = "build/ptx/checked"

// build makes a library in a folder: the whole modules are linked as they are, behind them each kernel with its mutants. cuda.mk passes the compiler
// and its flags.
func build(kernels []kernel, folder string) (library string, err error) {
	flags := strings.Fields(os.Getenv("PTX_FLAGS"))
	if os.Getenv("CXX") == "" || len(flags) == 0 {
		return "", fmt.Errorf("CXX or PTX_FLAGS is not set\nrun `make mutants`")
	}
	files, err := linked()
	if err != nil {
		return "", err
	}
	var group errgroup.Group
	group.SetLimit(trace.AtOnce)
	for _, k := range kernels {
		base := filepath.Join(folder, k.Name)
		files = append(files, base+".o")
		group.Go(func() error {
			code, err := ptxexec.Kernel(k.file, k.module, k.Kernel, k.faults()...)
			if err != nil {
				return err
			}
			if err := os.WriteFile(base+".cpp", []byte(code), 0o644); err != nil {
				return err
			}
			return compile(flags, []string{"-DCHECKED", "-g0", "-c", base + ".cpp", "-o", base + ".o"})
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	library = filepath.Join(folder, "mutants.so")
	return library, compile([]string{"-shared", "-Wl,-Bsymbolic", "-o", library}, files, []string{"-lpthread"})
}

// linked are the objects of the library without mutants.
func linked() (files []string, err error) {
	for _, pattern := range []string{"*.o", "ptx/*.o", "kernels/*.o", "kernels/testkernels/*.o"} {
		found, err := filepath.Glob(filepath.Join(objects, pattern))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("no objects in %s\nrun `make emulator-ptx`", objects)
		}
		files = append(files, found...)
	}
	return files, nil
}

func compile(arguments ...[]string) error {
	out, err := exec.Command(os.Getenv("CXX"), slices.Concat(arguments...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", os.Getenv("CXX"), err, out)
	}
	return nil
}
