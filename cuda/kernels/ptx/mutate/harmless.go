package mutate

import (
	"regexp"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

// A known mutant does what the kernel does, by its instruction alone.
type known struct{ class, kernel, instruction, Why string }

// Known are the mutants that no test can notice; patterns are regular expressions.
var Known = []known{}

// harmless reports whether a mutant does what the kernel does: it is known, or the instructions around it prove it. Results below 2^-126 are left
// aside: no kernel has them.
func harmless(k *syntax.Kernel, class string, i *syntax.Instruction) bool {
	rounds := strings.Contains(class, "round")
	switch {
	case rounds && exact(i), rounds && onlySign(k, i), class == exchanged && onlySquared(k, i):
		return true
	}
	return slices.ContainsFunc(Known, func(n known) bool {
		match := func(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
		return match(n.class, class) && match(n.kernel, k.Name) && match(n.instruction, i.String())
	})
}

var (
	powerOfTwo = regexp.MustCompile(`^0f[0-9A-F]{2}[08]00000$`) // of either sign: no fraction
	smallWord  = regexp.MustCompile(`^cvt\.rn\.f32\.[us](8|16)$`)
)

// exact reports whether the result needs no rounding: a product with a power of two, an integer of 16 bits.
func exact(i *syntax.Instruction) bool {
	return smallWord.MatchString(i.Opcode) || strings.HasPrefix(i.Opcode, "mul.") && slices.ContainsFunc(i.Operands[1:], func(o syntax.Operand) bool { return powerOfTwo.MatchString(o.Name) })
}

// onlySign reports whether the result of an instruction is read by comparisons with 0 alone: a sum or product that is rounded, in whichever
// direction, keeps its sign.
func onlySign(k *syntax.Kernel, i *syntax.Instruction) bool {
	return everyUse(k, i, func(u *syntax.Instruction) bool {
		return strings.HasPrefix(u.Opcode, "setp.") && u.Operands[2].Name == "0f00000000"
	})
}

// onlySquared reports whether the result is read by products with itself alone.
func onlySquared(k *syntax.Kernel, i *syntax.Instruction) bool {
	return everyUse(k, i, func(u *syntax.Instruction) bool {
		return (strings.HasPrefix(u.Opcode, "mul.") || strings.HasPrefix(u.Opcode, "fma.")) && u.Operands[1].Name == u.Operands[2].Name &&
			(len(u.Operands) < 4 || u.Operands[3].Name != u.Operands[1].Name)
	})
}

// everyUse reports whether there is an instruction that reads the result, and all do so in an accepted way.
func everyUse(k *syntax.Kernel, i *syntax.Instruction, accepted func(*syntax.Instruction) bool) bool {
	result, used := i.Operands[0].Name, false
	for _, s := range k.Body {
		if u := s.Instruction; u != nil && reads(u, result) {
			if !accepted(u) {
				return false
			}
			used = true
		}
	}
	return used
}

// reads: operand 0 is written, except where it is an address.
func reads(i *syntax.Instruction, register string) bool {
	for n, o := range i.Operands {
		if (n > 0 || o.Address) && slices.Contains(o.Registers(), register) {
			return true
		}
	}
	return i.Guard == register
}
