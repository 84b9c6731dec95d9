package mutate

import (
	"slices"

	"longtail/cuda/kernels/ptx/syntax"
)

// flow is the body of a kernel as a graph of statements.
type flow struct {
	body   []syntax.Statement
	labels map[string]int
}

func newFlow(k *syntax.Kernel) flow {
	f := flow{k.Body, map[string]int{}}
	for n, s := range k.Body {
		if s.Label != "" {
			f.labels[s.Label] = n
		}
	}
	return f
}

// successors are the statements that may follow one.
func (f flow) successors(at int) (next []int) {
	i := f.body[at].Instruction
	jumps := i != nil && (i.Parts()[0] == "bra" || i.Opcode == "ret" || i.Opcode == "exit")
	if (!jumps || i.Guard != "") && at+1 < len(f.body) {
		next = append(next, at+1)
	}
	if jumps && len(i.Operands) == 1 {
		next = append(next, f.labels[i.Operands[0].Name])
	}
	return next
}

// reads and writes: operand 0 is written, except where it is an address.
func reads(i *syntax.Instruction, register string) bool {
	for n, o := range i.Operands {
		if (n > 0 || o.Address) && slices.Contains(o.Registers(), register) {
			return true
		}
	}
	return i.Guard == register
}

func writes(i *syntax.Instruction, register string) bool {
	return len(i.Operands) > 1 && !i.Operands[0].Address && slices.Contains(i.Operands[0].Registers(), register)
}

// uses are the instructions that may read what a statement writes to a register.
func (f flow) uses(at int, register string) (all []*syntax.Instruction) {
	seen := map[int]bool{}
	for todo := f.successors(at); len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		i := f.body[n].Instruction
		if i != nil && reads(i, register) {
			all = append(all, i)
		}
		if i == nil || i.Guard != "" || !writes(i, register) {
			todo = append(todo, f.successors(n)...)
		}
	}
	return all
}

// definitions are the instructions that may have written what a statement reads from a register.
func (f flow) definitions(at int, register string) (all []*syntax.Instruction) {
	for n, s := range f.body {
		if i := s.Instruction; i != nil && writes(i, register) && slices.Contains(f.uses(n, register), f.body[at].Instruction) {
			all = append(all, i)
		}
	}
	return all
}
