// Package mutate plants faults in PTX, one at a time: what a compiler, an edit or a damaged file could make of the code that ships. Command mutants
// executes them; every one must make a test fail.
package mutate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/exec"
	"longtail/cuda/kernels/ptx/syntax"
)

// Mutant is a kernel with a changed line.
type Mutant struct {
	Class, Kernel string
	Line          int
	Changed       *syntax.Instruction // in place of that of the line; nil where it is removed, and of class Align
	Old, New      string              // text of the line
}

// String is one line for people.
func (m Mutant) String() string {
	return fmt.Sprintf("%s, line %d of %s: %q becomes %q", m.Class, m.Line, m.Kernel, strings.TrimSpace(m.Old), m.New)
}

// Fault is the mutant as package exec translates it.
func (m Mutant) Fault(number int) exec.Fault {
	f := exec.Fault{Number: number, Line: m.Line, Instruction: m.Changed}
	if m.Class == Align {
		f.Align = less
	}
	return f
}

// Class is a kind of fault: what becomes of an instruction, and whether the class has it at all.
type Class struct {
	Name   string
	Change func(syntax.Instruction) (syntax.Instruction, bool)
}

// removed stands for no instruction.
var removed = syntax.Instruction{}

// opcode makes a class that replaces the first match in the opcode.
func opcode(name, pattern, replacement string) Class {
	re := regexp.MustCompile(pattern)
	return Class{name, func(i syntax.Instruction) (syntax.Instruction, bool) {
		changed := re.ReplaceAllString(i.Opcode, replacement)
		ok := changed != i.Opcode
		i.Opcode = changed
		return i, ok
	}}
}

func remove(name, pattern string) Class {
	re := regexp.MustCompile(pattern)
	return Class{name, func(i syntax.Instruction) (syntax.Instruction, bool) { return removed, re.MatchString(i.Opcode) }}
}

// operands makes a class that edits the operands of the instructions that match; the edit reports whether it could.
func operands(name, pattern string, edit func([]syntax.Operand) bool) Class {
	re := regexp.MustCompile(pattern)
	return Class{name, func(i syntax.Instruction) (syntax.Instruction, bool) {
		if !re.MatchString(i.Opcode) {
			return i, false
		}
		i.Operands = slices.Clone(i.Operands)
		for n := range i.Operands {
			i.Operands[n].Vector = slices.Clone(i.Operands[n].Vector)
		}
		ok := edit(i.Operands)
		return i, ok
	}}
}

// swap exchanges two elements of an operand's vector.
func swap(operand, a, b int) func([]syntax.Operand) bool {
	return func(o []syntax.Operand) bool {
		v := o[operand].Vector
		if len(v) <= max(a, b) || v[a] == v[b] {
			return false
		}
		v[a], v[b] = v[b], v[a]
		return true
	}
}

func exchange(a, b int) func([]syntax.Operand) bool {
	return func(o []syntax.Operand) bool {
		if o[a].String() == o[b].String() {
			return false
		}
		o[a], o[b] = o[b], o[a]
		return true
	}
}

// Align is the class of shared arrays that are declared with less alignment; it changes no instruction.
const Align = "smaller .align"

// Classes of which some mutants are harmless.
const (
	exchanged     = "operands of sub or div exchanged"
	sumsExchanged = "mma sums exchanged"
	readOnly      = "global load in the read-only way"
)

// Classes are all kinds of faults but Align.
var Classes = []Class{
	opcode("ldmatrix without .trans", `^(ldmatrix.*)\.trans`, "$1"),
	opcode("ldmatrix with .trans", `^(ldmatrix\.sync\.aligned\.m8n8\.x\d)\.shared`, "$1.trans.shared"),
	operands("ldmatrix registers exchanged", `^ldmatrix`, swap(0, 0, 1)),
	operands("mma rows of a exchanged", `^mma`, swap(1, 0, 1)),
	operands("mma columns of a exchanged", `^mma`, swap(1, 1, 2)),
	operands("mma halves of b exchanged", `^mma`, swap(2, 0, 1)),
	operands(sumsExchanged, `^mma`, swap(3, 0, 1)),
	opcode("shfl.bfly to down", `^shfl\.sync\.bfly`, "shfl.sync.down"),
	opcode("shfl.bfly to idx", `^shfl\.sync\.bfly`, "shfl.sync.idx"),
	remove("bar.sync removed", `^bar\.sync`),
	remove("bar.warp.sync removed", `^bar\.warp\.sync`),
	remove("fence removed", `^(membar|fence)`),
	opcode("atom without release", `^atom\.acq_rel`, "atom.acquire"),
	opcode("atom without acquire", `^atom\.acq_rel`, "atom.release"),
	{"cp.async of 8 bytes", func(i syntax.Instruction) (syntax.Instruction, bool) {
		if !strings.HasPrefix(i.Opcode, "cp.async.cg") {
			return i, false
		}
		i.Opcode = "cp.async.ca.shared.global"
		i.Operands = append(slices.Clone(i.Operands[:2]), syntax.Operand{Name: "8"}, syntax.Operand{Name: "8"})
		return i, true
	}},
	{"cp.async with half of the bytes", func(i syntax.Instruction) (syntax.Instruction, bool) {
		if !strings.HasPrefix(i.Opcode, "cp.async.cg") || len(i.Operands) != 4 {
			return i, false
		}
		i.Operands = slices.Clone(i.Operands)
		i.Operands[3].Name = "8"
		return i, true
	}},
	operands("cp.async.wait_group later", `^cp\.async\.wait_group`, func(o []syntax.Operand) bool { o[0].Name += "1"; return true }),
	remove("cp.async removed", `^cp\.async\.c[ag]`),
	opcode("add rounds to zero", `^(add|sub)\.rn\.f32`, "$1.rz.f32"),
	opcode("mul rounds to zero", `^mul\.rn\.f32`, "mul.rz.f32"),
	opcode("fma rounds up", `^fma\.rn\.f32`, "fma.rp.f32"),
	opcode("div rounds down", `^div\.rn\.f32`, "div.rm.f32"),
	opcode("sqrt or rcp rounds to zero", `^(sqrt|rcp)\.rn\.f32`, "$1.rz.f32"),
	opcode("cvt rounds to zero", `^cvt\.rn\.(f16|f16x2|bf16|f32)\.`, "cvt.rz.$1."),
	operands("halves of a word exchanged", `^cvt\.rn\.f16x2`, exchange(1, 2)),
	opcode("cvt.rni to rzi", `^cvt\.rni`, "cvt.rzi"),
	opcode("add to sub", `^add\.rn`, "sub.rn"),
	opcode("max to min", `^max`, "min"),
	operands(exchanged, `^(sub|div)\.`, exchange(1, 2)),
	operands("operands of selp exchanged", `^selp`, exchange(1, 2)),
	opcode("lt to le, gt to ge", `^setp\.(l|g)t\.`, "setp.${1}e."),
	opcode("eq to ne", `^setp\.eq\.`, "setp.ne."),
	operands("address 4 bytes on", `^(ld|st)\.(shared|global|param|volatile\.global)\.`, func(o []syntax.Operand) bool {
		for n := range o {
			if o[n].Address {
				o[n].Offset += 4
			}
		}
		return true
	}),
	operands("vector's elements exchanged", `^(ld|st).*\.v[24]\.`, func(o []syntax.Operand) bool { return swap(0, 0, 1)(o) || swap(1, 0, 1)(o) }),
	remove("store removed", `^st\.`),
	opcode("atom.add to max", `^atom\.(acq_rel\.gpu\.)?add\.u32`, "atom.${1}max.u32"),
	opcode(readOnly, `^ld\.(volatile\.)?global\.(v4\.)?f32`, "ld.global.nc.${2}f32"),
}

// less is what arrays of class Align are aligned to, in bytes.
const less = 4

var aligned = regexp.MustCompile(`\.align (8|16)\b`)

// All lists the mutants of a kernel of a module whose text has the lines, by class.
func All(m *syntax.Module, k *syntax.Kernel, lines []string) map[string][]Mutant {
	found := map[string][]Mutant{}
	for _, s := range k.Body {
		if s.Instruction == nil || strings.Count(lines[s.Line-1], ";") != 1 {
			continue
		}
		for _, c := range Classes {
			if changed, ok := c.Change(*s.Instruction); ok {
				mutant := Mutant{Class: c.Name, Kernel: k.Name, Line: s.Line, Old: lines[s.Line-1]}
				if changed.Opcode != "" {
					mutant.Changed, mutant.New = &changed, changed.String()
				}
				found[c.Name] = append(found[c.Name], mutant)
			}
		}
	}
	named := k.Named()
	for _, v := range slices.Concat(m.Shared, k.Shared) {
		if old := lines[v.Line-1]; named[v.Name] && aligned.MatchString(old) {
			found[Align] = append(found[Align], Mutant{Class: Align, Kernel: k.Name, Line: v.Line, Old: old, New: aligned.ReplaceAllString(old, fmt.Sprintf(".align %d", less))})
		}
	}
	return found
}
