package mutate

import (
	"slices"

	"longtail/cuda/kernels/ptx/syntax"
)

// flow is the body of a kernel as a graph of statements.
type flow struct {
	body   []syntax.Statement
	labels map[string]int
	at     map[*syntax.Instruction]int
}

func newFlow(k *syntax.Kernel) flow {
	f := flow{k.Body, map[string]int{}, map[*syntax.Instruction]int{}}
	for n, s := range k.Body {
		if s.Instruction != nil {
			f.at[s.Instruction] = n
		}
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

// before are the instructions that may be executed before a statement, itself among them if it may be executed again.
func (f flow) before(at int) (all []*syntax.Instruction) {
	from := make([][]int, len(f.body))
	for n := range f.body {
		for _, next := range f.successors(n) {
			from[next] = append(from[next], n)
		}
	}
	seen := map[int]bool{}
	for todo := from[at]; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if i := f.body[n].Instruction; i != nil {
			all = append(all, i)
		}
		todo = append(todo, from[n]...)
	}
	return all
}

// everyOrigin reports whether all values that a statement may read from a register are 0 or were made by instructions that are accepted, and then
// only copied, chosen or compared.
func (f flow) everyOrigin(at int, register string, accepted func(*syntax.Instruction) bool) bool {
	seen := map[*syntax.Instruction]bool{}
	var every func(at int, register string) bool
	every = func(at int, register string) bool {
		if zero.MatchString(register) {
			return true
		}
		definitions := f.definitions(at, register)
		return len(definitions) > 0 && !slices.ContainsFunc(definitions, func(d *syntax.Instruction) bool {
			switch {
			case seen[d] || accepted(d):
				return false
			case d.Opcode == "mov.f32":
				seen[d] = true
				return !every(f.at[d], d.Operands[1].Name)
			case d.Opcode == "max.f32" || d.Opcode == "selp.f32":
				seen[d] = true
				return !every(f.at[d], d.Operands[1].Name) || !every(f.at[d], d.Operands[2].Name)
			}
			return true
		})
	}
	return every(at, register)
}
