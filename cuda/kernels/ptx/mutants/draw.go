package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/exec"
	"longtail/cuda/kernels/ptx/mutate"
	"longtail/cuda/kernels/ptx/syntax"
	"longtail/internal/rng"
)

// kernel is one with the mutants that were drawn.
type kernel struct {
	*syntax.Kernel
	file    string
	module  *syntax.Module
	mutants []*mutant
}

// mutant is one that was drawn and what came of it.
type mutant struct {
	mutate.Mutant
	number  int    // from 1
	reached bool   // a test came to its instruction
	killer  string // how it was caught, "" if it was not
}

func (k kernel) faults() (all []exec.Fault) {
	for _, m := range k.mutants {
		all = append(all, m.Fault(m.number))
	}
	return all
}

// draw draws, for every kernel and class, as many mutants as asked for, and gives them numbers. Kernels without any are left out.
func draw(o options) ([]kernel, error) {
	classes, err := regexp.Compile(o.classes)
	if err != nil {
		return nil, err
	}
	names, err := regexp.Compile(o.kernels)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob("cuda/kernels/*.ptx")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no PTX in cuda/kernels: run from the repository's root")
	}
	var all []kernel
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		m, err := syntax.Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		lines := strings.Split(string(text), "\n")
		for _, k := range m.Kernels {
			if names.MatchString(k.Name) {
				all = append(all, kernel{k, file, m, ofKernel(o, classes, m, k, lines)})
			}
		}
	}
	limit(o, all)
	all = slices.DeleteFunc(all, func(k kernel) bool { return len(k.mutants) == 0 })
	number := 0
	for _, k := range all {
		for _, m := range k.mutants {
			number++
			m.number = number
		}
	}
	return all, nil
}

// ofKernel draws the mutants of a kernel, leaving out those that provably change nothing.
func ofKernel(o options, classes *regexp.Regexp, m *syntax.Module, k *syntax.Kernel, lines []string) (drawn []*mutant) {
	byClass := mutate.All(m, k, lines)
	for _, c := range append(slices.Clone(mutate.Classes), mutate.Class{Name: mutate.Align}) {
		if !classes.MatchString(c.Name) {
			continue
		}
		mutants := byClass[c.Name]
		shuffle(o.seed, mutants)
		for left := o.each; left > 0 && len(mutants) > 0; mutants = mutants[1:] {
			if !mutate.Harmless(m, k, mutants[0]) {
				drawn = append(drawn, &mutant{Mutant: mutants[0]})
				left--
			}
		}
	}
	return drawn
}

// limit leaves as many mutants as asked for at most: one of each class in some kernel, then a second one of each, and so on.
func limit(o options, kernels []kernel) {
	var all []*mutant
	for _, k := range kernels {
		all = append(all, k.mutants...)
	}
	if o.most == 0 || len(all) <= o.most {
		return
	}
	shuffle(o.seed, all)
	round, seen := map[*mutant]int{}, map[string]int{}
	for _, m := range all {
		seen[m.Class]++
		round[m] = seen[m.Class]
	}
	slices.SortStableFunc(all, func(a, b *mutant) int { return cmp.Compare(round[a], round[b]) })
	for n := range kernels {
		kernels[n].mutants = slices.DeleteFunc(kernels[n].mutants, func(m *mutant) bool { return !slices.Contains(all[:o.most], m) })
	}
}

// shuffle puts values in an order that follows from the seed and their number alone.
func shuffle[T any](seed uint64, values []T) {
	for i := len(values) - 1; i > 0; i-- {
		j := int(rng.Philox(seed, [4]uint32{uint32(i), uint32(len(values))})[0] % uint32(i+1))
		values[i], values[j] = values[j], values[i]
	}
}
