// Command comparebits runs the tests of the CUDA backend on the kernels of the .cu files and on those of the PTX and compares what each launch
// left in device memory and what its threads did in view of others (package trace). It fails if a kernel of training was never launched. scripts/test_ptx.sh builds what it needs.
//
//	go run ./cuda/kernels/ptx/comparebits
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"longtail/cuda/kernels"
	"longtail/cuda/kernels/ptx/syntax"
	"longtail/cuda/kernels/ptx/trace"
)

func main() {
	if err := compare(trace.Committed); err != nil {
		fmt.Fprintln(os.Stderr, "comparebits:", err)
		os.Exit(1)
	}
}

func compare(suite trace.Suite) error {
	tests, err := suite.Measure()
	if err != nil {
		return err
	}
	if err := suite.CheckAll(tests, "libcuda_ptx_fast.so"); err != nil {
		return err
	}
	launched := map[string]bool{}
	for _, t := range tests {
		for _, k := range t.Kernels {
			launched[k] = true
		}
	}
	names, err := shipped()
	if err != nil {
		return err
	}
	var missing []string
	for _, name := range names {
		if !launched[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("never launched: %s\nadd a test that launches them", strings.Join(missing, " "))
	}
	fmt.Printf("%d kernels do the same in %d tests\n", len(names), len(tests))
	return nil
}

// shipped are the kernels of training.
func shipped() ([]string, error) {
	files, err := filepath.Glob("cuda/kernels/*.cu")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no kernels in cuda/kernels: run from the repository's root")
	}
	var names []string
	for _, file := range files {
		text, ok := kernels.PTX(strings.TrimSuffix(filepath.Base(file), ".cu"))
		if !ok {
			return nil, fmt.Errorf("%s has no PTX", file)
		}
		m, err := syntax.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, k := range m.Kernels {
			names = append(names, k.Name)
		}
	}
	return names, nil
}
