package exec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

// A stretch is a piece of a kernel's body that is executed from its beginning to its end and across whose ends nothing is moved. What it adds to
// a thread's clock of round trips (cuda/emulator/ptx/chain.h) is known when it is translated, but for when values loaded in earlier stretches
// are there.
type stretch struct {
	begin, end int             // in the body
	loads      map[string]int  // registers that hold what is loaded: round trips since the beginning until they are there
	early      map[string]bool // registers used before they are written
	used       int             // round trips until the last value is there that the stretch uses
	copies     int             // the same of cp.async, which it does not wait for
	count      int             // of instructions that a GPU issues
}

// splits lists the instructions that end a stretch.
var splits = []string{"bra", "ret", "exit", "bar", "membar", "fence", "atom", "cp.async.wait_group", "cp.async.wait_all"}

func isOne(i *syntax.Instruction, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return i.Opcode == name || strings.HasPrefix(i.Opcode, name+".") })
}

// isFree reports whether an instruction usually costs nothing on a GPU: a copy, or a change of an integer's width or of an address's state space.
func isFree(i *syntax.Instruction) bool {
	p := i.Parts()
	return isOne(i, "mov", "cvta") || p[0] == "cvt" && len(p) == 3 && !strings.Contains(i.Opcode, "f")
}

// stretches cuts a body.
func stretches(body []syntax.Statement) []*stretch {
	var all []*stretch
	now := &stretch{}
	cut := func(end int) {
		if now.end = end; now.begin < end {
			all = append(all, now)
		}
		now = &stretch{begin: end}
	}
	for n, s := range body {
		switch {
		case s.Label != "":
			cut(n + 1)
		case s.Instruction != nil && isOne(s.Instruction, splits...):
			cut(n + 1)
		}
	}
	cut(len(body))
	for _, s := range all {
		s.follow(body)
	}
	return all
}

// follow finds what a stretch loads and uses. A copy of a register is no use.
func (s *stretch) follow(body []syntax.Statement) {
	s.loads, s.early = map[string]int{}, map[string]bool{}
	written, depth := map[string]bool{}, map[string]int{} // depth: round trips before an instruction's result can be there
	for _, statement := range body[s.begin:s.end] {
		i := statement.Instruction
		if i == nil {
			continue
		}
		if !isFree(i) {
			s.count++
		}
		to, from := sides(i)
		there := 0
		for _, r := range from {
			there = max(there, depth[r])
			s.early[r] = s.early[r] || !written[r]
		}
		copied := isOne(i, "mov") && len(to) == 1 && len(from) == 1
		if !copied {
			s.used = max(s.used, there)
		}
		loads := isOne(i, "ld") && !isOne(i, "ld.param", "ld.shared", "ld.volatile.shared")
		switch {
		case loads:
			there++
		case isOne(i, "cp.async.ca", "cp.async.cg"):
			s.copies = max(s.copies, there+1)
		}
		for _, r := range to {
			written[r] = true
			depth[r], s.loads[r] = there, 0
			if loads || copied {
				s.loads[r] = there
			}
		}
	}
}

// sides are the names that an instruction writes and reads, constants among them.
func sides(i *syntax.Instruction) (to, from []string) {
	if i.Guard != "" {
		from = append(from, i.Guard)
	}
	for n, o := range i.Operands {
		if n == 0 && !o.Address && !isOne(i, "bra", "bar", "st", "cp") {
			to = o.Registers()
			continue
		}
		from = append(from, o.Registers()...)
	}
	return to, from
}

// clocks are the statements that keep a thread's clock, by the place in the body that they come before, and the declarations that they need:
// a variable for each register that holds, from one stretch to another, what is loaded.
func clocks(body []syntax.Statement) (declarations string, before map[int]string) {
	all := stretches(body)
	early, loaded := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		for r := range s.early {
			early[r] = true
		}
		for r, there := range s.loads {
			loaded[r] = loaded[r] || there > 0
		}
	}
	kept := slices.DeleteFunc(slices.Sorted(maps.Keys(loaded)), func(r string) bool { return !early[r] || !loaded[r] })
	for _, r := range kept {
		declarations += "uint32_t " + clockName(r) + " = 0; "
	}
	before = map[int]string{}
	for _, s := range all {
		before[s.begin] = s.clock(kept)
	}
	return declarations, before
}

func clockName(register string) string { return "t_" + clean(strings.TrimPrefix(register, "%")) }

// clock brings a thread's clock to the end of the stretch.
func (s *stretch) clock(kept []string) string {
	var b strings.Builder
	if s.count > 0 {
		fmt.Fprintf(&b, "T.instructions += %d;", s.count)
	}
	for _, r := range kept {
		if s.early[r] {
			fmt.Fprintf(&b, " if (%[1]s > T.now) T.now = %[1]s;", clockName(r))
		}
	}
	for _, r := range kept {
		switch there, written := s.loads[r]; {
		case there > 0:
			fmt.Fprintf(&b, " %s = T.now + %d;", clockName(r), there)
		case written:
			fmt.Fprintf(&b, " %s = 0;", clockName(r))
		}
	}
	if s.copies > 0 {
		fmt.Fprintf(&b, " if (T.now + %[1]d > T.copies) T.copies = T.now + %[1]d;", s.copies)
	}
	if s.used > 0 {
		fmt.Fprintf(&b, " T.now += %d;", s.used)
	}
	return b.String()
}
