package exec

import (
	"fmt"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

// writer translates one kernel. The first error is kept.
type writer struct {
	module *syntax.Module
	kernel *syntax.Kernel
	scopes []map[string]string // types of registers by name, innermost scope last
	placed map[string]int      // shared variables that the kernel names, by their number in the layout
	faults map[int][]Fault     // by line
	line   int                 // of the statement being translated
	err    error
}

func (w *writer) fail(format string, arguments ...any) string {
	if w.err == nil {
		w.err = fmt.Errorf("line %d, kernel %s: %s", w.line, w.kernel.Name, fmt.Sprintf(format, arguments...))
	}
	return ""
}

func writeKernel(out *strings.Builder, m *syntax.Module, k *syntax.Kernel, faults ...Fault) error {
	natural, adversarial := Natural(m, k), Adversarial(m, k)
	w := &writer{module: m, kernel: k, placed: map[string]int{}, scopes: []map[string]string{{}}, faults: map[int][]Fault{}, line: k.Line}
	for i, p := range natural.Places {
		w.placed[p.Name] = i
	}
	for _, f := range faults {
		w.faults[f.Line] = append(w.faults[f.Line], f)
	}
	layouts, choice, plants := w.layouts()
	fmt.Fprintf(out, "\nPTX_LAYOUT(%s, %s, %s)\n%s", k.Name, list(natural), list(adversarial), layouts)
	fmt.Fprintf(out, "static void kernel_%s(const char *P) {\n\tPTX_BEGIN(%s)\n\t%s\n", k.Name, k.Name, choice)
	for _, r := range k.Registers {
		out.WriteString("\t" + w.declare(r) + "\n")
	}
	declarations, before := clocks(k.Body)
	out.WriteString("\t" + declarations + "\n")
	for n, s := range k.Body {
		w.line = s.Line
		out.WriteString("\t" + before[n] + "\n")
		out.WriteString("\t" + w.faulty(s) + "\n")
		if w.err != nil {
			return w.err
		}
	}
	out.WriteString("}\n" + plants)
	offsets, sizes := "0", "0"
	for _, p := range k.Parameters {
		offsets += fmt.Sprintf(", %d", p.Offset)
		sizes += fmt.Sprintf(", %d", p.Size)
	}
	fmt.Fprintf(out, "PTX_EXPORT(%s, %d, %d, (%s), (%s))\n", k.Name, len(k.Parameters), k.ParameterBytes, offsets, sizes)
	return nil
}

// list is a layout as arguments of PTX_LAYOUT: bytes of all, then the places.
func list(l Layout) string {
	text := fmt.Sprintf("(%d", l.Bytes)
	for _, p := range l.Places {
		text += fmt.Sprintf(", %d", p.Offset)
	}
	return text + ")"
}

func (w *writer) statement(s syntax.Statement) string {
	switch {
	case s.Label != "":
		return labelName(s.Label) + ":;"
	case s.Begin:
		w.scopes = append(w.scopes, map[string]string{})
		return "{"
	case s.End:
		w.scopes = w.scopes[:len(w.scopes)-1]
		return "}"
	case s.Register != nil:
		return w.declare(*s.Register)
	}
	i := s.Instruction
	text := w.instruction(i)
	if i.Guard == "" {
		return text
	}
	condition := w.value(i.Guard, "pred")
	if i.Negated {
		condition = "!" + condition
	}
	return "if (" + condition + ") { " + text + " }"
}

// declare makes variables of registers. What they hold before they are written is undefined in PTX; here it is a pattern that shows.
func (w *writer) declare(r syntax.Register) string {
	scope := w.scopes[len(w.scopes)-1]
	if r.Count == 0 {
		scope[r.Prefix] = r.Type
		return cType(r.Type) + " " + registerName(r.Prefix) + ";"
	}
	names := make([]string, r.Count)
	for i := range names {
		name := fmt.Sprintf("%s%d", r.Prefix, i)
		scope[name] = r.Type
		names[i] = registerName(name)
	}
	return cType(r.Type) + " " + strings.Join(names, ", ") + ";"
}

// registerType gives the type that a name was declared with.
func (w *writer) registerType(name string) (string, bool) {
	for _, scope := range slices.Backward(w.scopes) {
		if t, ok := scope[name]; ok {
			return t, true
		}
	}
	return "", false
}

// families translate the instructions that begin with a word; each knows all its modifiers or fails.
var families = map[string]func(w *writer, i *syntax.Instruction, parts []string) string{}

func family(translate func(w *writer, i *syntax.Instruction, parts []string) string, names ...string) {
	for _, name := range names {
		families[name] = translate
	}
}

func (w *writer) instruction(i *syntax.Instruction) string {
	parts := i.Parts()
	translate, ok := families[parts[0]]
	if !ok {
		return w.fail("unknown instruction: %s", i)
	}
	return translate(w, i, parts)
}

func (w *writer) unknown(i *syntax.Instruction) string {
	return w.fail("unknown form of %s: %s", i.Parts()[0], i)
}

// operands fails unless there are so many.
func (w *writer) operands(i *syntax.Instruction, count int) bool {
	if len(i.Operands) != count {
		w.fail("%d operands, want %d: %s", len(i.Operands), count, i)
		return false
	}
	return true
}
