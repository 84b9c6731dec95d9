package mutate

import (
	"regexp"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/align"
	"longtail/cuda/kernels/ptx/syntax"
)

// Harmless reports whether a mutant of a module's kernel does what the kernel does because the instructions around it prove it. Results below 2^-126
// are left aside: no kernel has them.
func Harmless(module *syntax.Module, k *syntax.Kernel, m Mutant) bool {
	if m.Class == Align {
		return neverWide(module, k, m.Line)
	}
	f, rounds := newFlow(k), strings.Contains(m.Class, "round")
	at := slices.IndexFunc(k.Body, func(s syntax.Statement) bool { return s.Instruction != nil && s.Line == m.Line })
	return rounds && (exact(k.Body[at].Instruction) || f.short(at) || f.reduced(at) || f.again(at) || f.onlySign(at)) || m.Class == exchanged && f.onlySquared(at)
}

// neverWide reports whether a kernel accesses the shared array that a line declares by 4 bytes at most.
func neverWide(module *syntax.Module, k *syntax.Kernel, line int) bool {
	narrow := func(variables []syntax.Variable) []syntax.Variable {
		variables = slices.Clone(variables)
		for n := range variables {
			if variables[n].Line == line {
				variables[n].Align = less
			}
		}
		return variables
	}
	alone := *k
	alone.Shared = narrow(k.Shared)
	return len(align.Check(&syntax.Module{Shared: narrow(module.Shared), Extern: module.Extern, Kernels: []*syntax.Kernel{&alone}})) == 0
}

var (
	powerOfTwo = regexp.MustCompile(`^0f[0-9A-F]{2}[08]00000$`) // of either sign: no fraction
	zero       = regexp.MustCompile(`^0f00000000$`)
	smallWord  = regexp.MustCompile(`^cvt\.rn\.f32\.[us](8|16)$`)
)

// exact reports whether the result needs no rounding: a product with a power of two, a sum with 0, an integer of 16 bits.
func exact(i *syntax.Instruction) bool {
	with := func(number *regexp.Regexp) bool {
		return slices.ContainsFunc(i.Operands[1:], func(o syntax.Operand) bool { return number.MatchString(o.Name) })
	}
	return smallWord.MatchString(i.Opcode) || strings.HasPrefix(i.Opcode, "mul.") && with(powerOfTwo) || strings.HasPrefix(i.Opcode, "add.") && with(zero)
}

// short reports whether an instruction converts to fp32 an integer that was just shifted to 9 bits: the exponent of a float.
func (f flow) short(at int) bool {
	i := f.body[at].Instruction
	if i.Opcode != "cvt.rn.f32.s32" {
		return false
	}
	definitions := f.definitions(at, i.Operands[1].Name)
	return len(definitions) > 0 && !slices.ContainsFunc(definitions, func(d *syntax.Instruction) bool { return d.Opcode != "shr.s32" || d.Operands[2].Name != "23" })
}

// high is the upper part of -log 2, 355 / 512, as the row kernel's exponential has it.
const high = "0fBF318000"

// reduced reports whether an instruction takes from the argument x of an exponential its multiple n of log 2, n the integer that was rounded from it,
// |x| < 104: n and `high` have 17 bits together, the difference is below 1/2 and a multiple of the unit of x or of 1/512, so nothing is rounded.
func (f flow) reduced(at int) bool {
	i := f.body[at].Instruction
	if !strings.HasPrefix(i.Opcode, "fma.") || i.Operands[2].Name != high {
		return false
	}
	definitions := f.definitions(at, i.Operands[1].Name)
	return len(definitions) > 0 && !slices.ContainsFunc(definitions, func(d *syntax.Instruction) bool { return d.Opcode != "cvt.rni.f32.f32" })
}

// again reports whether an instruction rounds to fp16 what has just been read from fp16.
func (f flow) again(at int) bool {
	i := f.body[at].Instruction
	if i.Opcode != "cvt.rn.f16.f32" && i.Opcode != "cvt.rn.f16x2.f32" {
		return false
	}
	for _, value := range i.Operands[1:] {
		definitions := f.definitions(at, value.Name)
		if len(definitions) == 0 || slices.ContainsFunc(definitions, func(d *syntax.Instruction) bool { return d.Opcode != "cvt.f32.f16" }) {
			return false
		}
	}
	return true
}

// onlySign reports whether the result of an instruction is read by comparisons with 0 alone: a sum or product that is rounded, in whichever
// direction, keeps its sign.
func (f flow) onlySign(at int) bool {
	return f.everyUse(at, func(u *syntax.Instruction) bool {
		return strings.HasPrefix(u.Opcode, "setp.") && u.Operands[2].Name == "0f00000000"
	})
}

// onlySquared reports whether the result is read by products with itself alone.
func (f flow) onlySquared(at int) bool {
	return f.everyUse(at, func(u *syntax.Instruction) bool {
		return (strings.HasPrefix(u.Opcode, "mul.") || strings.HasPrefix(u.Opcode, "fma.")) && u.Operands[1].Name == u.Operands[2].Name &&
			(len(u.Operands) < 4 || u.Operands[3].Name != u.Operands[1].Name)
	})
}

// everyUse reports whether there is an instruction that reads the result, and all do so in an accepted way.
func (f flow) everyUse(at int, accepted func(*syntax.Instruction) bool) bool {
	uses := f.uses(at, f.body[at].Instruction.Operands[0].Name)
	return len(uses) > 0 && !slices.ContainsFunc(uses, func(u *syntax.Instruction) bool { return !accepted(u) })
}
