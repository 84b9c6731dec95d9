// Command mutants plants faults in the PTX of the kernels of training, one at a time, and runs the tests that launch the kernel with that one
// kernel replaced, until the emulator refuses a launch or one does something else than the kernel of the .cu file. It lists those that
// no test notices, apart from those in instructions that no test executes. Before them it takes a kernel as it is through the same steps: no test may notice that one.
// `make test-ptx` must have run its stage "bits" before.
//
//	go run ./cuda/kernels/ptx/mutants [-seed N] [-each N] [-classes REGEXP] [-kernels REGEXP] [-most N] [-quick]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"longtail/cuda/kernels/ptx/mutate"
	"longtail/cuda/kernels/ptx/syntax"
	"longtail/cuda/kernels/ptx/trace"
	"longtail/internal/rng"
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
	flag.IntVar(&o.each, "each", 1, "mutants of a class in each module")
	flag.IntVar(&o.most, "most", 0, "mutants at most, of as many classes as there are, 0 for all chosen")
	flag.StringVar(&o.classes, "classes", ".", "only classes that match")
	flag.StringVar(&o.kernels, "kernels", ".", "only kernels that match")
	flag.BoolVar(&o.quick, "quick", false, "leave out tests of whole steps for kernels that others launch: a few more may survive")
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

// chosen is a mutant with the module it belongs to.
type chosen struct {
	mutate.Mutant
	module, text string
}

func run(o options) (survivors int, err error) {
	tests, err := trace.Committed.Measured()
	if err != nil {
		return 0, fmt.Errorf("%w\nrun `make test-ptx PTX_STAGES=bits`", err)
	}
	slices.SortFunc(tests, func(a, b trace.Test) int { return int(1000 * (a.Seconds - b.Seconds)) })
	mutants, err := choose(o)
	if err != nil {
		return 0, err
	}
	if len(mutants) == 0 {
		return 0, fmt.Errorf("no mutants of these classes and kernels")
	}
	control := mutants[0]
	control.Class, control.New = "nothing changed", control.Old
	for _, k := range []kind{fast, checked} {
		killer, err := execute(control, launching(control.Kernel, tests, o.quick)[:1], k)
		if err == nil && killer != "" {
			err = fmt.Errorf("it does not pass: %s", killer)
		}
		if err != nil {
			return 0, fmt.Errorf("%s as it is: %w", control.Kernel, err)
		}
	}
	var group errgroup.Group
	group.SetLimit(trace.AtOnce)
	var lock sync.Mutex // of what follows
	done, never, start := 0, 0, time.Now()
	for _, m := range mutants {
		group.Go(func() error {
			killer, reached, err := examine(m, launching(m.Kernel, tests, o.quick))
			if err != nil {
				return fmt.Errorf("%v: %w", m, err)
			}
			lock.Lock()
			defer lock.Unlock()
			word := "caught"
			switch {
			case !reached:
				word = "never executed"
				never++
			case killer == "":
				word = "SURVIVES"
				survivors++
			}
			done++
			fmt.Printf("%3d/%d %4.0f s %s: %v\n", done, len(mutants), time.Since(start).Seconds(), word, m)
			if killer != "" {
				fmt.Printf("        %s\n", killer)
			}
			return nil
		})
	}
	err = group.Wait()
	fmt.Printf("%d mutants in %.0f s: %d caught, %d survive, %d in instructions that no test executes\n", done, time.Since(start).Seconds(), done-survivors-never, survivors, never)
	return survivors, err
}

// choose draws, for every module and class, as many mutants as asked for.
func choose(o options) ([]chosen, error) {
	classes, err := regexp.Compile(o.classes)
	if err != nil {
		return nil, err
	}
	kernels, err := regexp.Compile(o.kernels)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob("cuda/kernels/*.ptx")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no PTX in cuda/kernels: run from the repository's root")
	}
	var all []chosen
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		m, err := syntax.Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		byClass := map[string][]mutate.Mutant{}
		for _, k := range m.Kernels {
			if !kernels.MatchString(k.Name) {
				continue
			}
			of, err := mutate.All(string(text), k.Name)
			if err != nil {
				return nil, err
			}
			for class, mutants := range of {
				byClass[class] = append(byClass[class], mutants...)
			}
		}
		for _, c := range append(slices.Clone(mutate.Classes), mutate.Class{Name: mutate.Align}) {
			mutants := byClass[c.Name]
			if !classes.MatchString(c.Name) {
				continue
			}
			shuffle(o.seed, mutants)
			for left := o.each; left > 0 && len(mutants) > 0; mutants = mutants[1:] {
				if !mutate.Harmless(m, mutants[0]) {
					all = append(all, chosen{mutants[0], file, string(text)})
					left--
				}
			}
		}
	}
	if o.most > 0 && len(all) > o.most {
		shuffle(o.seed, all)
		all = spread(all)[:o.most]
	}
	return all, nil
}

// spread puts one mutant of each class first, then a second one of each, and so on.
func spread(all []chosen) (ordered []chosen) {
	for round := 1; len(ordered) < len(all); round++ {
		seen := map[string]int{}
		for _, m := range all {
			if seen[m.Class]++; seen[m.Class] == round {
				ordered = append(ordered, m)
			}
		}
	}
	return ordered
}

// shuffle puts values in an order that follows from the seed and their number alone.
func shuffle[T any](seed uint64, values []T) {
	for i := len(values) - 1; i > 0; i-- {
		j := int(rng.Philox(seed, [4]uint32{uint32(i), uint32(len(values))})[0] % uint32(i+1))
		values[i], values[j] = values[j], values[i]
	}
}

// launching are the tests that launch a kernel; without those of whole steps, if there are others and that will do.
func launching(kernel string, tests []trace.Test, quick bool) []trace.Test {
	all := slices.DeleteFunc(slices.Clone(tests), func(t trace.Test) bool { return !slices.Contains(t.Kernels, kernel) })
	single := slices.DeleteFunc(slices.Clone(all), func(t trace.Test) bool { return t.Package == "cuda" })
	if quick && len(single) > 0 {
		return single
	}
	return all
}

// examine executes a mutant on the fast build, which shows other results and other barriers soon, and then, if a test reaches it, on the checked one.
func examine(m chosen, tests []trace.Test) (killer string, reached bool, err error) {
	if killer, err = execute(m, tests, fast); err != nil || killer != "" {
		return killer, true, err
	}
	if reached, err = executed(m, tests); err != nil || !reached {
		return "", false, err
	}
	killer, err = execute(m, tests, checked)
	return killer, true, err
}

// trap fails where it is executed: an integer is divided by zero.
const trap = "{ .reg .b32 zero; mov.u32 zero, 0; div.u32 zero, zero, zero; }\n"

// executed reports whether a test executes the instruction that the mutant changes.
func executed(m chosen, tests []trace.Test) (bool, error) {
	if m.Class == mutate.Align {
		return true, nil
	}
	m.New = trap + m.Old
	killer, err := execute(m, tests, fast)
	return killer != "", err
}

// execute runs tests, which launch the mutant's kernel, the shortest first, on a build of the library. It returns how the first one fails, "" if none
// does.
func execute(m chosen, tests []trace.Test, k kind) (killer string, err error) {
	if err := os.MkdirAll("build/ptx/mutants", 0o755); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("build/ptx/mutants", "") // several may be executed at once
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	var environment []string
	if m.Class == mutate.Align { // a GPU may place the array so; the checked build does where it is asked to
		k, environment = checked, []string{"EMULATOR_LAYOUT=adversarial"}
	}
	library, err := build(m, k, folder)
	if err != nil {
		return "", err
	}
	return fails(tests, library, environment), nil
}

// fails runs tests and returns how the first one fails, "" if none does.
func fails(tests []trace.Test, library string, environment []string) string {
	for _, t := range tests {
		limit := time.Duration(20*t.Seconds+30) * time.Second
		if err := trace.Committed.Check(t, library, limit, environment...); err != nil {
			text := strings.Join(strings.Fields(err.Error()), " ")
			return text[:min(len(text), 400)]
		}
	}
	return ""
}
