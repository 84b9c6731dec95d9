// Command comparebits compares what the kernels of the .cu files and those of the PTX left in device memory, launch by launch, and fails if a
// kernel of training was never launched.
//
//	go run ./cuda/kernels/ptx/comparebits SOURCES.trace PTX.trace [SOURCES.trace PTX.trace]...
package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"longtail/cuda/kernels"
	"longtail/cuda/kernels/ptx/syntax"
	"longtail/cuda/kernels/ptx/trace"
)

func main() {
	if len(os.Args) < 3 || len(os.Args)%2 == 0 {
		fmt.Fprintln(os.Stderr, "usage: comparebits SOURCES.trace PTX.trace [SOURCES.trace PTX.trace]...")
		os.Exit(2)
	}
	if err := compare(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "comparebits:", err)
		os.Exit(1)
	}
}

func compare(files []string) error {
	launched := map[string]int{}
	for i := 0; i < len(files); i += 2 {
		want, err := trace.Read(files[i])
		if err != nil {
			return err
		}
		got, err := trace.Read(files[i+1])
		if err != nil {
			return err
		}
		if err := trace.Compare(want, got); err != nil {
			return fmt.Errorf("%s: %w", files[i+1], err)
		}
		for _, l := range got {
			launched[l.Kernel]++
		}
	}
	names, err := shipped()
	if err != nil {
		return err
	}
	var missing []string
	for _, name := range names {
		if launched[name] == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("never launched: %s\nadd a test that launches them", strings.Join(missing, " "))
	}
	fmt.Printf("%d kernels leave the same bits\n", len(names))
	return nil
}

// shipped are the kernels of training.
func shipped() ([]string, error) {
	files, err := fs.Glob(os.DirFS("cuda/kernels"), "*.cu")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no kernels in cuda/kernels: run from the repository's root")
	}
	var names []string
	for _, file := range files {
		text, ok := kernels.PTX(strings.TrimSuffix(file, ".cu"))
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
