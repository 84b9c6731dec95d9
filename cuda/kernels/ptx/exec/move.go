package exec

import (
	"fmt"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

func init() {
	family(move, "mov")
	family(convert, "cvt")
	family(convertAddress, "cvta")
	family(choose, "selp")
	family(compare, "setp")
}

// move: "mov", also between a register and the parts of it ("mov: pack and unpack").
func move(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 2 || syntax.Bits(p[1]) == 0 || !w.operands(i, 2) {
		return w.unknown(i)
	}
	t, to, from := p[1], i.Operands[0], i.Operands[1]
	switch {
	case to.Vector != nil:
		part := fmt.Sprintf("b%d", syntax.Bits(t)/len(to.Vector))
		source := w.value(from.Name, t)
		var all []string
		for n, r := range to.Vector {
			all = append(all, w.set(r, part, fmt.Sprintf("whole >> %d", n*syntax.Bits(part))))
		}
		return fmt.Sprintf("{ const %s whole = %s; %s }", cType(t), source, strings.Join(all, " "))
	case from.Vector != nil:
		part := fmt.Sprintf("b%d", syntax.Bits(t)/len(from.Vector))
		var all []string
		for n, r := range from.Vector {
			all = append(all, fmt.Sprintf("(%s)%s << %d", cType(t), w.value(r, part), n*syntax.Bits(part)))
		}
		return w.set(to.Name, t, strings.Join(all, " | "))
	}
	return w.set(to.Name, t, w.value(from.Name, t))
}

// convert: "cvt", the forms that round as they must ("cvt: Floating-point rounding").
func convert(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) == 4 && p[2] == "f16x2" {
		return convertTwo(w, i, p)
	}
	if len(p) < 3 || !w.operands(i, 2) {
		return w.unknown(i)
	}
	d, s, modifiers := p[len(p)-2], p[len(p)-1], strings.Join(p[1:len(p)-2], ".")
	to, from := i.Operands[0].Name, i.Operands[1].Name
	mode, rounds := rounding[modifiers]
	integral, ofIntegers := rounding[strings.TrimSuffix(modifiers, "i")]
	ofIntegers = ofIntegers && strings.HasSuffix(modifiers, "i")
	switch {
	case d == "f32" && s == "f16" && modifiers == "":
		return w.set(to, d, fmt.Sprintf("ptx::from_half(%s)", w.value(from, "b16")))
	case (d == "f16" || d == "bf16") && s == "f32" && (mode == "nearest" || mode == "to_zero"):
		function := map[string]string{"f16": "to_half", "bf16": "to_bfloat16"}[d]
		return w.set(to, "b16", fmt.Sprintf("ptx::%s<ptx::%s>(%s)", function, mode, w.value(from, s)))
	case d == "f32" && s == "f32" && ofIntegers:
		return w.set(to, d, fmt.Sprintf("ptx::integral<ptx::%s>(%s)", integral, w.value(from, s)))
	case isInteger(d) && s == "f32" && ofIntegers:
		return w.set(to, d, fmt.Sprintf("ptx::to_integer<ptx::%s, %s>(%s)", integral, cType(d), w.value(from, s)))
	case d == "f64" && s == "f32" && modifiers == "":
		return w.set(to, d, "(double)"+w.value(from, s))
	case d == "f32" && s == "f64" && rounds:
		return w.set(to, d, fmt.Sprintf("ptx::rounded<ptx::%s, false, false>(ptx::narrow<double>, %s)", mode, w.value(from, s)))
	case isFloat(d) && syntax.Bits(s) > 0 && (s[0] == 'u' || s[0] == 's') && rounds:
		return w.set(to, d, fmt.Sprintf("(%s)ptx::rounded<ptx::%s, false, false>(ptx::narrow<%s, %s>, %s)", cType(d), mode, cType(s), cType(d), w.narrowed(from, s)))
	case syntax.Bits(d) >= 8 && syntax.Bits(s) >= 8 && strings.Contains("us", d[:1]) && strings.Contains("us", s[:1]) && modifiers == "":
		return w.widened(to, d, w.narrowed(from, s))
	}
	return w.unknown(i)
}

// convertTwo: "cvt" of two floats to the halves of a word, the first to the upper one.
func convertTwo(w *writer, i *syntax.Instruction, p []string) string {
	mode := rounding[p[1]]
	if p[3] != "f32" || mode != "nearest" && mode != "to_zero" || !w.operands(i, 3) {
		return w.unknown(i)
	}
	half := func(operand int) string {
		return fmt.Sprintf("ptx::to_half<ptx::%s>(%s)", mode, w.value(i.Operands[operand].Name, "f32"))
	}
	return w.set(i.Operands[0].Name, "b32", fmt.Sprintf("(uint32_t)%s << 16 | %s", half(1), half(2)))
}

// convertAddress: "cvta" between generic addresses and those of a state space.
func convertAddress(w *writer, i *syntax.Instruction, p []string) string {
	if !w.operands(i, 2) || p[len(p)-1] != "u64" {
		return w.unknown(i)
	}
	value := w.value(i.Operands[1].Name, "u64")
	switch strings.Join(p[1:len(p)-1], ".") {
	case "to.shared":
		value += " - window"
	case "shared":
		value += " + window"
	case "to.global", "global":
	default:
		return w.unknown(i)
	}
	return w.set(i.Operands[0].Name, "u64", value)
}

// choose: "selp".
func choose(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 2 || syntax.Bits(p[1]) < 16 || !w.operands(i, 4) {
		return w.unknown(i)
	}
	t := p[1]
	return w.set(i.Operands[0].Name, t, fmt.Sprintf("%s ? %s : %s", w.value(i.Operands[3].Name, "pred"), w.value(i.Operands[1].Name, t), w.value(i.Operands[2].Name, t)))
}

var comparisons = map[string]string{"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

// compare: "setp" with one destination ("Comparisons"; a NaN compares false, in the forms with u true).
func compare(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 3 || syntax.Bits(p[2]) < 16 || !w.operands(i, 3) {
		return w.unknown(i)
	}
	t := p[2]
	a, b := w.value(i.Operands[1].Name, t), w.value(i.Operands[2].Name, t)
	symbol, ok := comparisons[p[1]]
	switch {
	case ok && (!isFloat(t) || p[1] != "ne") && (t[0] != 'b' || p[1] == "eq" || p[1] == "ne"):
		return w.set(i.Operands[0].Name, "pred", fmt.Sprintf("%s %s %s", a, symbol, b))
	case isFloat(t) && p[1] == "ne":
		return w.set(i.Operands[0].Name, "pred", fmt.Sprintf("%s < %s || %s > %s", a, b, a, b))
	case isFloat(t) && strings.HasSuffix(p[1], "u") && comparisons[strings.TrimSuffix(p[1], "u")] != "":
		return w.set(i.Operands[0].Name, "pred", fmt.Sprintf("%s != %s || %s != %s || %s %s %s", a, a, b, b, a, comparisons[strings.TrimSuffix(p[1], "u")], b))
	}
	return w.unknown(i)
}
