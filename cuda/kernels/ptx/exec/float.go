package exec

import (
	"fmt"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

func init() {
	family(floatArithmetic, "fma")
	family(floatFunction, "sqrt", "rcp", "rsqrt", "ex2", "lg2")
}

// rounding are the modifiers of "Rounding Modifiers" for floats and what the run-time part calls them.
var rounding = map[string]string{"rn": "nearest", "rz": "to_zero", "rm": "down", "rp": "up"}

// floatArithmetic: "Floating Point Instructions: add, sub, mul, div, fma". Without a rounding modifier ptxas may contract an add and a mul
// to an fma, so that the bits are its choice: such a form is refused.
func floatArithmetic(w *writer, i *syntax.Instruction, p []string) string {
	t := p[len(p)-1]
	count := 3
	if p[0] == "fma" {
		count = 4
	}
	if !isFloat(t) || len(p) < 3 || !w.operands(i, count) {
		return w.unknown(i)
	}
	arguments := make([]string, count-1)
	for n := range arguments {
		arguments[n] = w.value(i.Operands[n+1].Name, t)
	}
	modifiers := p[2 : len(p)-1]
	flush, saturate := false, false
	for _, m := range modifiers {
		switch {
		case m == "ftz" && t == "f32" && !flush:
			flush = true
		case m == "sat" && t == "f32" && !saturate && p[0] != "div":
			saturate = true
		default:
			return w.unknown(i)
		}
	}
	if p[0] == "div" && (p[1] == "approx" || p[1] == "full") && t == "f32" {
		return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::approximate_division(%s)", strings.Join(arguments, ", ")))
	}
	mode, ok := rounding[p[1]]
	switch {
	case !ok:
		return w.unknown(i)
	case mode == "nearest" && !flush && !saturate && p[0] == "fma":
		return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::fused(%s)", strings.Join(arguments, ", ")))
	case mode == "nearest" && !flush && !saturate:
		return w.set(i.Operands[0].Name, t, strings.Join(arguments, " "+symbols[p[0]]+" "))
	}
	return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::rounded<ptx::%s, %v, %v>(ptx::%s<%s>, %s)", mode, flush, saturate, operationNames[p[0]], cType(t), strings.Join(arguments, ", ")))
}

var operationNames = map[string]string{"add": "sum", "sub": "difference", "mul": "product", "div": "quotient", "fma": "fused_sum", "sqrt": "root", "rcp": "reciprocal"}

// floatFunction: "sqrt", "rcp" rounded, and the approximate functions of f32.
func floatFunction(w *writer, i *syntax.Instruction, p []string) string {
	t := p[len(p)-1]
	if len(p) != 3 && !(len(p) == 4 && p[2] == "ftz") || t != "f32" || !w.operands(i, 2) {
		return w.unknown(i)
	}
	x := w.value(i.Operands[1].Name, t)
	mode, exact := rounding[p[1]]
	switch {
	case p[1] == "approx" && len(p) == 3:
		return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::approximate_%s(%s)", p[0], x))
	case p[1] == "approx":
		return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::flushed(ptx::approximate_%s(ptx::flushed(%s)))", p[0], x))
	case !exact || p[0] != "sqrt" && p[0] != "rcp":
		return w.unknown(i)
	case mode == "nearest" && len(p) == 3:
		return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::%s<float>(%s)", operationNames[p[0]], x))
	}
	return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::rounded<ptx::%s, %v, false>(ptx::%s<float>, %s)", mode, len(p) == 4, operationNames[p[0]], x))
}
