// Command mutants plants faults in the PTX of the kernels of training and runs the tests that launch them. A kernel is translated with all of its
// faults and compiled once; the emulator does each launch as the kernel is and then with one fault after the other, until a launch is refused, or
// leaves other memory or other events (cuda/emulator/mutants.cpp). Launches without a fault must do what the kernels of the .cu files do.
// It lists the faults that no test notices, apart from those in instructions that no test executes. `make test-ptx` must have run its stage "bits"
// before.
//
//	go run ./cuda/kernels/ptx/mutants [-seed N] [-each N] [-classes REGEXP] [-kernels REGEXP] [-most N] [-quick]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"longtail/cuda/kernels/ptx/trace"
)

type options struct {
	seed             uint64
	each, most       int
	classes, kernels string
	quick            bool
}

func main() {
	var o options
	flag.Uint64Var(&o.seed, "seed", 1, "of the choice of mutants")
	flag.IntVar(&o.each, "each", 1, "mutants of a class in each kernel")
	flag.IntVar(&o.most, "most", 0, "mutants at most, of as many classes as there are, 0 for all chosen")
	flag.StringVar(&o.classes, "classes", ".", "only classes that match")
	flag.StringVar(&o.kernels, "kernels", ".", "only kernels that match")
	flag.BoolVar(&o.quick, "quick", false, "leave out tests of package cuda, whole steps among them, for kernels that others launch: a few more may survive")
	flag.Parse()
	survivors, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
	if survivors > 0 {
		fmt.Printf("%d mutants survive: add a test, or explain them in docs/gpu.md\n", survivors)
		os.Exit(1)
	}
}

func run(o options) (survivors int, err error) {
	tests, err := trace.Committed.Measured()
	if err != nil {
		return 0, fmt.Errorf("%w\nrun `make test-ptx PTX_STAGES=bits`", err)
	}
	slices.SortFunc(tests, func(a, b trace.Test) int {
		return cmp.Or(cmp.Compare(phase(a), phase(b)), cmp.Compare(a.Seconds, b.Seconds))
	})
	start := time.Now()
	kernels, err := draw(o)
	if err != nil {
		return 0, err
	}
	if len(kernels) == 0 {
		return 0, fmt.Errorf("no mutants of these classes and kernels")
	}
	if err := os.MkdirAll("build/ptx/mutants", 0o755); err != nil {
		return 0, err
	}
	folder, err := os.MkdirTemp("build/ptx/mutants", "") // of this run: several may be under way
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	library, err := build(kernels, folder)
	if err != nil {
		return 0, err
	}
	fmt.Printf("%d kernels translated and compiled with their mutants: %.0f s\n", len(kernels), time.Since(start).Seconds())
	e := newExecution(kernels, tests, library, folder, o.quick)
	if err := e.all(); err != nil {
		return 0, err
	}
	return report(kernels, time.Since(start)), nil
}

// report prints what came of every mutant and returns how many survive.
func report(kernels []kernel, took time.Duration) (survivors int) {
	all, never := 0, 0
	for _, k := range kernels {
		for _, m := range k.mutants {
			all++
			switch {
			case m.killer != "":
				fmt.Printf("caught: %v\n        %s\n", m, m.killer)
			case !m.reached:
				never++
				fmt.Printf("never executed: %v\n", m)
			default:
				survivors++
				fmt.Printf("SURVIVES: %v\n", m)
			}
		}
	}
	fmt.Printf("%d mutants in %d kernels, %.0f s: %d caught, %d survive, %d in instructions that no test executes\n", all, len(kernels), took.Seconds(), all-survivors-never, survivors, never)
	return survivors
}
