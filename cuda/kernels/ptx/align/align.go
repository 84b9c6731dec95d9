// Package align checks that shared arrays are declared with the alignment that their accesses need. On a GPU a misaligned access is a fault, but
// only where the assembler places an array no better than it is declared: no test on one GPU shows it.
package align

import (
	"fmt"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

// Fault is a shared variable that is accessed with more alignment than it is declared with.
type Fault struct {
	Kernel, Variable string
	Align, Access    int // bytes
	Line             int // of the access
}

// String is one line for people.
func (f Fault) String() string {
	return fmt.Sprintf("line %d, kernel %s: an access of %d bytes to %s, which is declared with .align %d", f.Line, f.Kernel, f.Access, f.Variable, f.Align)
}

// Check finds the faults of a module, each variable's first in each kernel. Which variables a register may point into is followed through
// moves, sums, conversions and choices without regard to the order of statements; every value that comes from a variable counts.
func Check(m *syntax.Module) []Fault {
	var faults []Fault
	for _, k := range m.Kernels {
		faults = append(faults, checkKernel(m, k)...)
	}
	return faults
}

// set is what a register may point into: bit i is variable i.
type set map[int]bool

type analysis struct {
	variables []syntax.Variable
	number    map[string]int
	points    map[string]set
}

func checkKernel(m *syntax.Module, k *syntax.Kernel) []Fault {
	a := &analysis{number: map[string]int{}, points: map[string]set{}}
	a.variables = slices.Concat(m.Shared, k.Shared, m.Extern)
	for i, v := range a.variables {
		a.number[v.Name] = i
	}
	for changed := true; changed; {
		changed = false
		for _, s := range k.Body {
			if s.Instruction != nil && a.follow(s.Instruction) {
				changed = true
			}
		}
	}
	var faults []Fault
	told := set{}
	for _, s := range k.Body {
		if s.Instruction == nil {
			continue
		}
		operand, bytes := access(s.Instruction)
		for v := range a.of(operand) {
			if declared := a.variables[v]; bytes > declared.Align && !told[v] {
				told[v] = true
				faults = append(faults, Fault{k.Name, declared.Name, declared.Align, bytes, s.Line})
			}
		}
	}
	slices.SortFunc(faults, func(a, b Fault) int { return a.Line - b.Line })
	return faults
}

// of is what an operand may point into.
func (a *analysis) of(name string) set {
	if i, ok := a.number[name]; ok {
		return set{i: true}
	}
	return a.points[name]
}

// carriers are instructions whose result may be an address made from an operand.
var carriers = []string{"mov", "add", "sub", "mad", "cvt", "cvta", "selp", "or", "and", "min", "max"}

// follow adds what the result may point into; it reports whether that is more than before.
func (a *analysis) follow(i *syntax.Instruction) bool {
	if !slices.Contains(carriers, i.Parts()[0]) || len(i.Operands) < 2 {
		return false
	}
	changed := false
	for _, o := range i.Operands[1:] {
		for _, source := range o.Registers() {
			for v := range a.of(source) {
				for _, result := range i.Operands[0].Registers() {
					if a.points[result] == nil {
						a.points[result] = set{}
					}
					changed = changed || !a.points[result][v]
					a.points[result][v] = true
				}
			}
		}
	}
	return changed
}

// access is the address that an instruction reads or writes, and the alignment in bytes that it needs; "" if it does neither.
func access(i *syntax.Instruction) (operand string, bytes int) {
	p := i.Parts()
	bytes = syntax.Bits(p[len(p)-1]) / 8
	switch {
	case p[0] == "ldmatrix":
		return i.Operands[1].Name, 16
	case strings.HasPrefix(i.Opcode, "cp.async.c") && len(i.Operands) > 2:
		fmt.Sscan(i.Operands[2].Name, &bytes)
		return i.Operands[0].Name, bytes
	case p[0] != "ld" && p[0] != "st" && p[0] != "atom":
		return "", 0
	}
	if slices.Contains(p, "v2") {
		bytes *= 2
	}
	if slices.Contains(p, "v4") {
		bytes *= 4
	}
	for _, o := range i.Operands {
		if o.Address {
			return o.Name, bytes
		}
	}
	return "", 0
}
