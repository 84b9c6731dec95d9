package exec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

// Fault is one that a kernel is translated with: the kernel has it where the emulator's `mutant` is its number (cuda/emulator/mutants.h).
type Fault struct {
	Number      int // from 1, below the emulator's most_mutants
	Line        int
	Instruction *syntax.Instruction // in place of that of the line; nil for none
	Align       int                 // of the shared variable that the line declares; 0 where the fault is in an instruction
}

// faulty writes a statement with the faults of its line: a thread that comes to it tells, and does what the fault in force makes of it.
func (w *writer) faulty(s syntax.Statement) string {
	var b strings.Builder
	all := w.faults[s.Line]
	switch {
	case s.Label != "" && len(w.faults) > 0:
		return w.statement(s) + " T.limit();" // a fault may make a loop endless
	case s.Instruction == nil || len(all) == 0:
		return w.statement(s)
	}
	for _, f := range all {
		fmt.Fprintf(&b, "%s ", reached(f))
	}
	for _, f := range all {
		text := ""
		if f.Instruction != nil {
			text = w.statement(syntax.Statement{Line: s.Line, Instruction: f.Instruction})
		}
		fmt.Fprintf(&b, "if (emulator::mutant == %d) { %s } else ", f.Number, text)
	}
	return b.String() + "{ " + w.statement(s) + " }"
}

func reached(f Fault) string { return fmt.Sprintf("emulator::mutant_reached[%d] = true;", f.Number) }

// layouts are the shared memory of a kernel with each fault that is one of alignment, and what chooses it; plants tells the emulator of all faults.
func (w *writer) layouts() (declarations, choice, plants string) {
	k := w.kernel.Name
	for _, line := range slices.Sorted(maps.Keys(w.faults)) {
		for _, f := range w.faults[line] {
			statics := fmt.Sprintf("ptx::adversarial ? adversarial_%[1]s[0] : natural_%[1]s[0]", k)
			if f.Align > 0 {
				m, kernel := *w.module, *w.kernel
				m.Shared, kernel.Shared = aligned(m.Shared, f), aligned(kernel.Shared, f)
				name := fmt.Sprintf("layout_%d", f.Number)
				declarations += fmt.Sprintf("static const uint32_t %s[] = PTX_UNPACK %s;\n", name, list(Adversarial(&m, &kernel)))
				choice += fmt.Sprintf("%s if (emulator::mutant == %d) at = %s; ", reached(f), f.Number, name)
				statics = name + "[0]"
			}
			plants += fmt.Sprintf("static int planted_%d = emulator::plant(\"%[2]s\", %[1]d, %[3]s);\n", f.Number, k, statics)
		}
	}
	return declarations, choice, plants
}

func aligned(variables []syntax.Variable, f Fault) []syntax.Variable {
	variables = slices.Clone(variables)
	for n := range variables {
		if variables[n].Line == f.Line {
			variables[n].Align = f.Align
		}
	}
	return variables
}
