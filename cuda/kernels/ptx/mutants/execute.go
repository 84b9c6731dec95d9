package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"longtail/cuda/kernels/ptx/trace"
)

// execution runs tests until every mutant is caught or no test is left.
type execution struct {
	kernels         []kernel
	tests           []trace.Test // in the order in which they run
	library, folder string
	quick           bool
	byNumber        map[int]*mutant

	lock  sync.Mutex // of the mutants
	start time.Time
}

func newExecution(kernels []kernel, tests []trace.Test, library, folder string, quick bool) *execution {
	e := &execution{kernels: kernels, tests: tests, library: library, folder: folder, quick: quick, byNumber: map[int]*mutant{}, start: time.Now()}
	for _, k := range kernels {
		for _, m := range k.mutants {
			e.byNumber[m.number] = m
		}
	}
	return e
}

func (e *execution) all() error {
	var group errgroup.Group
	group.SetLimit(trace.AtOnce)
	for _, t := range e.tests {
		group.Go(func() error { return e.test(t) })
	}
	return group.Wait()
}

// test runs a test with the mutants that are left. A mutant that ends the test's program is caught, and the test runs again without it.
func (e *execution) test(t trace.Test) error {
	for {
		left := e.left(t)
		if len(left) == 0 {
			return nil
		}
		ended, err := e.once(t, left)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", t.Name, t.Package, err)
		}
		fmt.Printf("%4.0f s %s of %s: %d of %d mutants left\n", time.Since(e.start).Seconds(), t.Name, t.Package, len(e.left(t)), len(left))
		if !ended {
			return nil
		}
	}
}

// left are the numbers of the mutants that a test may catch.
func (e *execution) left(t trace.Test) (numbers []string) {
	e.lock.Lock()
	defer e.lock.Unlock()
	for _, k := range e.kernels {
		if !slices.Contains(t.Kernels, k.Name) || e.quick && t.Package == steps && e.elsewhere(k.Name) {
			continue
		}
		for _, m := range k.mutants {
			if m.killer == "" {
				numbers = append(numbers, strconv.Itoa(m.number))
			}
		}
	}
	return numbers
}

// steps is the package whose tests take whole steps.
const steps = "cuda"

// phase puts tests of whole steps, where each mutant that is left takes long, last.
func phase(t trace.Test) int {
	if t.Package == steps {
		return 1
	}
	return 0
}

// elsewhere reports whether a test of another package launches a kernel.
func (e *execution) elsewhere(kernel string) bool {
	return slices.ContainsFunc(e.tests, func(t trace.Test) bool { return t.Package != steps && slices.Contains(t.Kernels, kernel) })
}

// longest is what a test may take with all mutants.
const longest = time.Hour

// once runs a test and reports whether a mutant ended its program. It returns an error if the test does something else without mutants than on the
// kernels of the .cu files.
func (e *execution) once(t trace.Test, left []string) (ended bool, err error) {
	file, err := filepath.Abs(filepath.Join(e.folder, strings.ReplaceAll(t.Package, "/", "_")+"."+t.Name+".log"))
	if err != nil {
		return false, err
	}
	want, got, out, failure := trace.Committed.Observe(t, e.library, longest, "EMULATOR_MUTANTS="+strings.Join(left, ","), "EMULATOR_MUTANTS_LOG="+file)
	trying, caught, err := e.note(file)
	if err != nil {
		return false, fmt.Errorf("%w\n%s", err, out)
	}
	if failure != nil {
		if trying == nil {
			return false, failure
		}
		e.lock.Lock()
		defer e.lock.Unlock()
		trying.killer = "ends the program of " + t.Name
		return true, nil
	}
	if caught == len(left) { // the program ended with the last one
		return false, trace.Within(want, got)
	}
	return false, trace.Compare(want, got)
}

// note reads what the emulator wrote of mutants. It returns the one that was being tried at the end, if any, and how many were caught.
func (e *execution) note(file string) (trying *mutant, caught int, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, err
	}
	e.lock.Lock()
	defer e.lock.Unlock()
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		number, how, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(number)
		m := e.byNumber[n]
		if err != nil || m == nil {
			return nil, 0, fmt.Errorf("%s: no such mutant: %q", file, line)
		}
		trying = nil
		switch word {
		case "reached":
			m.reached = true
		case "trying":
			trying = m
		case "caught":
			m.killer = how
			caught++
		}
	}
	return trying, caught, nil
}
