package exec

import (
	"fmt"

	"longtail/cuda/kernels/ptx/syntax"
)

func init() {
	family(addOrSubtract, "add", "sub")
	family(multiply, "mul", "mad")
	family(divide, "div", "rem")
	family(smallest, "min", "max")
	family(negate, "neg", "abs")
	family(logic, "and", "or", "xor", "not")
	family(shift, "shl", "shr")
	family(extract, "bfe")
}

var symbols = map[string]string{"add": "+", "sub": "-", "mul": "*", "div": "/", "rem": "%", "and": "&", "or": "|", "xor": "^"}

func isInteger(t string) bool { return syntax.Bits(t) >= 16 && (t[0] == 'u' || t[0] == 's') }

// addOrSubtract: "Integer Arithmetic Instructions: add, sub" wrap around.
func addOrSubtract(w *writer, i *syntax.Instruction, p []string) string {
	t := p[len(p)-1]
	if isFloat(t) {
		return floatArithmetic(w, i, p)
	}
	if len(p) != 2 || !isInteger(t) || !w.operands(i, 3) {
		return w.unknown(i)
	}
	u := unsigned(t)
	return w.set(i.Operands[0].Name, u, fmt.Sprintf("%s %s %s", w.value(i.Operands[1].Name, u), symbols[p[0]], w.value(i.Operands[2].Name, u)))
}

// multiply: "mul" and "mad" with .lo, .hi and .wide.
func multiply(w *writer, i *syntax.Instruction, p []string) string {
	t := p[len(p)-1]
	if isFloat(t) {
		return floatArithmetic(w, i, p)
	}
	count := 3
	if p[0] == "mad" {
		count = 4
	}
	if len(p) != 3 || !isInteger(t) || !w.operands(i, count) {
		return w.unknown(i)
	}
	result := t
	product := ""
	a, b := w.value(i.Operands[1].Name, t), w.value(i.Operands[2].Name, t)
	switch {
	case p[1] == "lo":
		product = fmt.Sprintf("ptx::multiply_low<%s>(%s, %s)", cType(unsigned(t)), a, b)
	case p[1] == "hi":
		product = fmt.Sprintf("ptx::multiply_high<%s>(%s, %s)", cType(t), a, b)
	case p[1] == "wide" && syntax.Bits(t) <= 32:
		result = fmt.Sprintf("%c%d", t[0], 2*syntax.Bits(t))
		product = fmt.Sprintf("(%s)%s * (%s)%s", cType(result), a, cType(result), b)
	default:
		return w.unknown(i)
	}
	if p[0] == "mad" {
		u := cType(unsigned(result))
		product = fmt.Sprintf("(%s)(%s) + (%s)%s", u, product, u, w.value(i.Operands[3].Name, result))
	}
	return w.set(i.Operands[0].Name, result, product)
}

// divide: "div", "rem". Division by zero is an unspecified value in PTX: an error here.
func divide(w *writer, i *syntax.Instruction, p []string) string {
	t := p[len(p)-1]
	if isFloat(t) && p[0] == "div" {
		return floatArithmetic(w, i, p)
	}
	if len(p) != 2 || !isInteger(t) || !w.operands(i, 3) {
		return w.unknown(i)
	}
	function := map[string]string{"div": "divide", "rem": "remainder"}[p[0]]
	return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::%s<%s>(W, %s, %s)", function, cType(t), w.value(i.Operands[1].Name, t), w.value(i.Operands[2].Name, t)))
}

// smallest: "min", "max"; for floats a NaN loses against a number.
func smallest(w *writer, i *syntax.Instruction, p []string) string {
	t := p[len(p)-1]
	if len(p) != 2 || !isInteger(t) && t != "f32" || !w.operands(i, 3) {
		return w.unknown(i)
	}
	return w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::%simum<%s>(%s, %s)", p[0], cType(t), w.value(i.Operands[1].Name, t), w.value(i.Operands[2].Name, t)))
}

// negate: "neg", "abs"; of a float they change the sign bit alone.
func negate(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 2 || !w.operands(i, 2) {
		return w.unknown(i)
	}
	t, to, from := p[1], i.Operands[0].Name, i.Operands[1].Name
	switch {
	case t == "f32" && p[0] == "neg":
		return w.set(to, "b32", w.value(from, "b32")+" ^ 0x80000000u")
	case t == "f32":
		return w.set(to, "b32", w.value(from, "b32")+" & 0x7fffffffu")
	case t[0] != 's' || !isInteger(t):
		return w.unknown(i)
	case p[0] == "neg":
		return w.set(to, unsigned(t), fmt.Sprintf("(%s)0 - %s", cType(unsigned(t)), w.value(from, unsigned(t))))
	}
	return w.set(to, t, fmt.Sprintf("ptx::absolute<%s>(%s)", cType(t), w.value(from, t)))
}

// logic: "Logic and Shift Instructions: and, or, xor, not".
func logic(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 2 || p[1] != "pred" && (p[1][0] != 'b' || syntax.Bits(p[1]) < 16) {
		return w.unknown(i)
	}
	t := p[1]
	if p[0] != "not" {
		if !w.operands(i, 3) {
			return ""
		}
		return w.set(i.Operands[0].Name, t, fmt.Sprintf("%s %s %s", w.value(i.Operands[1].Name, t), symbols[p[0]], w.value(i.Operands[2].Name, t)))
	}
	if !w.operands(i, 2) {
		return ""
	}
	operator := "~"
	if t == "pred" {
		operator = "!"
	}
	return w.set(i.Operands[0].Name, t, operator+w.value(i.Operands[1].Name, t))
}

// shift: "shl", "shr": amounts above the width are clamped to it.
func shift(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 2 || syntax.Bits(p[1]) < 16 || isFloat(p[1]) || p[0] == "shl" && p[1][0] != 'b' || !w.operands(i, 3) {
		return w.unknown(i)
	}
	function := map[string]string{"shl": "left", "shr": "right"}[p[0]]
	return w.set(i.Operands[0].Name, p[1], fmt.Sprintf("ptx::shift_%s<%s>(%s, %s)", function, cType(p[1]), w.value(i.Operands[1].Name, p[1]), w.value(i.Operands[2].Name, "u32")))
}

// extract: "bfe", of unsigned types.
func extract(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 2 || p[1] != "u32" && p[1] != "u64" || !w.operands(i, 4) {
		return w.unknown(i)
	}
	return w.set(i.Operands[0].Name, p[1], fmt.Sprintf("ptx::extract<%s>(%s, %s, %s)", cType(p[1]),
		w.value(i.Operands[1].Name, p[1]), w.value(i.Operands[2].Name, "u32"), w.value(i.Operands[3].Name, "u32")))
}
