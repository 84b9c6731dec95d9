// Package syntax reads PTX: the directives and statements of a module, without meaning. Section names are those of NVIDIA's "PTX ISA".
package syntax

import (
	"fmt"
	"strings"
)

// Module is a PTX file ("PTX Module Directives").
type Module struct {
	Shared    []Variable // .shared at module scope, in order
	Extern    []Variable // .extern .shared: the dynamic shared memory of a launch, Size 0
	Constants []Constant
	Kernels   []*Kernel
}

// Variable is an array or scalar of a state space, in bytes.
type Variable struct {
	Name        string
	Align, Size int
	Line        int
}

// Constant is an initialised .global or .const variable.
type Constant struct {
	Variable
	Bytes []byte
}

// Parameter is a kernel's .param; Offset is its place in the packed parameters of a launch.
type Parameter struct {
	Variable
	Offset int
}

// Kernel is an .entry ("Kernel Function Directives").
type Kernel struct {
	Name           string
	Line           int // of .entry
	Parameters     []Parameter
	ParameterBytes int
	Registers      []Register // of the whole body, in order
	Shared         []Variable // declared in the body
	Body           []Statement
}

// Register declares Count registers Prefix0, Prefix1... of a type such as "b32"; Count 0 means the one register Prefix.
type Register struct {
	Type, Prefix string
	Count        int
}

// Statement is exactly one of: an instruction, a label, a scope's begin or end, registers of a scope.
type Statement struct {
	Line        int
	Instruction *Instruction
	Label       string
	Begin, End  bool
	Register    *Register
}

// Instruction is "@p opcode.modifiers operands;" ("Instruction Statements").
type Instruction struct {
	Line     int
	Guard    string // predicate register, "" for none
	Negated  bool   // @!p
	Opcode   string // with its modifiers
	Operands []Operand
}

// Parts are the opcode and its modifiers.
func (i *Instruction) Parts() []string { return strings.Split(i.Opcode, ".") }

// String is the instruction as PTX.
func (i *Instruction) String() string {
	var b strings.Builder
	if i.Guard != "" {
		b.WriteString("@")
		if i.Negated {
			b.WriteString("!")
		}
		b.WriteString(i.Guard + " ")
	}
	b.WriteString(i.Opcode)
	for n, o := range i.Operands {
		if n > 0 {
			b.WriteString(",")
		}
		b.WriteString(" " + o.String())
	}
	return b.String() + ";"
}

// Operand is a register, symbol or literal (Name), a vector {a, b} (Vector), or an address [Name+Offset] (Address).
type Operand struct {
	Name    string
	Vector  []string
	Address bool
	Offset  int64
}

// Registers are the elements of a vector, or the operand itself.
func (o Operand) Registers() []string {
	if o.Vector != nil {
		return o.Vector
	}
	return []string{o.Name}
}

// String is the operand as PTX.
func (o Operand) String() string {
	switch {
	case o.Vector != nil:
		return "{" + strings.Join(o.Vector, ", ") + "}"
	case o.Address && o.Offset != 0:
		return fmt.Sprintf("[%s+%d]", o.Name, o.Offset)
	case o.Address:
		return "[" + o.Name + "]"
	}
	return o.Name
}

// Bits is the width of a fundamental type such as "f32" or "b64", 1 of "pred"; 0 for what is no type ("Fundamental Types").
func Bits(t string) int {
	switch t {
	case "pred":
		return 1
	case "b8", "u8", "s8":
		return 8
	case "b16", "u16", "s16", "f16", "bf16":
		return 16
	case "b32", "u32", "s32", "f32":
		return 32
	case "b64", "u64", "s64", "f64":
		return 64
	}
	return 0
}

// Named lists the identifiers that the body names: registers, labels and variables.
func (k *Kernel) Named() map[string]bool {
	names := map[string]bool{}
	for _, s := range k.Body {
		if s.Instruction == nil {
			continue
		}
		for _, o := range s.Instruction.Operands {
			for _, r := range o.Registers() {
				names[r] = true
			}
		}
	}
	return names
}
