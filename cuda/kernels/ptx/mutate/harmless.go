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
	switch {
	case rounds:
		return exact(k.Body[at].Instruction) || f.scaled(at) || f.short(at) || f.reduced(at) || f.again(at) || f.onlySign(at)
	case m.Class == exchanged:
		return f.onlySquared(at)
	case m.Class == sumsExchanged:
		return f.sameSums(at)
	}
	return m.Class == readOnly && f.nothingWritten(at)
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

// exact reports whether the result needs no rounding: a product with a power of two, a sum with 0 or of a value with itself, an integer of 16 bits.
func exact(i *syntax.Instruction) bool {
	twice := len(i.Operands) == 3 && i.Operands[1].Name == i.Operands[2].Name
	with := func(number *regexp.Regexp) bool {
		return slices.ContainsFunc(i.Operands[1:], func(o syntax.Operand) bool { return number.MatchString(o.Name) })
	}
	return smallWord.MatchString(i.Opcode) || strings.HasPrefix(i.Opcode, "mul.") && with(powerOfTwo) || strings.HasPrefix(i.Opcode, "add.") && (twice || with(zero))
}

// scaled reports whether an instruction multiplies by a power of two that was made of its exponent.
func (f flow) scaled(at int) bool {
	i := f.body[at].Instruction
	return strings.HasPrefix(i.Opcode, "mul.") && slices.ContainsFunc(i.Operands[1:], func(o syntax.Operand) bool {
		return f.madeBy(at, o.Name, "mov.b32", func(move *syntax.Instruction) bool {
			return f.madeBy(f.at[move], move.Operands[1].Name, "add.s32", func(sum *syntax.Instruction) bool {
				return sum.Operands[2].Name == one && f.madeBy(f.at[sum], sum.Operands[1].Name, "shl.b32", func(shift *syntax.Instruction) bool {
					return shift.Operands[2].Name == "23"
				})
			})
		})
	})
}

// one are the bits of 1 as an integer.
const one = "1065353216"

// madeBy reports whether all instructions that may have written what a statement reads from a register have an opcode and are accepted.
func (f flow) madeBy(at int, register, opcode string, accepted func(*syntax.Instruction) bool) bool {
	definitions := f.definitions(at, register)
	return len(definitions) > 0 && !slices.ContainsFunc(definitions, func(d *syntax.Instruction) bool { return d.Opcode != opcode || !accepted(d) })
}

// short reports whether an instruction converts to fp32 an integer that was just shifted to 9 bits: the exponent of a float.
func (f flow) short(at int) bool {
	i := f.body[at].Instruction
	return i.Opcode == "cvt.rn.f32.s32" && f.madeBy(at, i.Operands[1].Name, "shr.s32", func(d *syntax.Instruction) bool { return d.Operands[2].Name == "23" })
}

// high is the upper part of -log 2, 355 / 512, as the row kernel's exponential has it.
const high = "0fBF318000"

// reduced reports whether an instruction takes from the argument x of an exponential its multiple n of log 2, n the integer that was rounded from it,
// |x| < 104: n and `high` have 17 bits together, the difference is below 1/2 and a multiple of the unit of x or of 1/512, so nothing is rounded.
func (f flow) reduced(at int) bool {
	i := f.body[at].Instruction
	return strings.HasPrefix(i.Opcode, "fma.") && i.Operands[2].Name == high &&
		f.madeBy(at, i.Operands[1].Name, "cvt.rni.f32.f32", func(*syntax.Instruction) bool { return true })
}

// again reports whether an instruction rounds to fp16 what was read from fp16, or the larger of two such values, or 0.
func (f flow) again(at int) bool {
	i := f.body[at].Instruction
	if i.Opcode != "cvt.rn.f16.f32" && i.Opcode != "cvt.rn.f16x2.f32" {
		return false
	}
	return !slices.ContainsFunc(i.Operands[1:], func(value syntax.Operand) bool {
		return !f.everyOrigin(at, value.Name, func(d *syntax.Instruction) bool { return d.Opcode == "cvt.f32.f16" })
	})
}

// sameSums reports whether the first two sums that an mma adds to are both 0: its first one.
func (f flow) sameSums(at int) bool {
	sums := f.body[at].Instruction.Operands[3].Vector
	return !slices.ContainsFunc(sums[:2], func(register string) bool {
		return !f.everyOrigin(at, register, func(*syntax.Instruction) bool { return false })
	})
}

// nothingWritten reports whether no thread that comes to an instruction has written to device memory or done an atomic operation before. What
// another thread of the launch has written it may then not read, in whichever way: neither a barrier behind the store nor an atomic operation orders
// the two.
func (f flow) nothingWritten(at int) bool {
	return !slices.ContainsFunc(f.before(at), func(i *syntax.Instruction) bool {
		return strings.HasPrefix(i.Opcode, "atom.") || strings.HasPrefix(i.Opcode, "st.") && !strings.Contains(i.Opcode, ".shared")
	})
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
