package exec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

// cType is the C++ type of values of a PTX type. Registers of integer and bit types are kept unsigned.
func cType(t string) string {
	switch t {
	case "pred":
		return "bool"
	case "f32":
		return "float"
	case "f64":
		return "double"
	case "s8", "s16", "s32", "s64":
		return "int" + t[1:] + "_t"
	}
	return fmt.Sprintf("uint%d_t", syntax.Bits(t))
}

func isFloat(t string) bool { return t == "f32" || t == "f64" }

// unsigned is the unsigned type as wide as an integer type.
func unsigned(t string) string { return fmt.Sprintf("u%d", syntax.Bits(t)) }

var noWord = regexp.MustCompile(`\W`)

func clean(name string) string        { return noWord.ReplaceAllString(name, "_") }
func registerName(name string) string { return "r_" + clean(strings.TrimPrefix(name, "%")) }
func labelName(name string) string    { return "L_" + clean(name) }
func constantName(name string) string { return "constant_" + clean(name) }

// value reads an operand as a type of the same width ("Operand Type Checking").
func (w *writer) value(name, t string) string { return w.read(name, t, false) }

// narrowed reads an operand whose register may be wider: st and cvt take the lower bits ("Operand Size Exceeding Instruction-Type Size").
func (w *writer) narrowed(name, t string) string { return w.read(name, t, true) }

func (w *writer) read(name, t string, narrow bool) string {
	r, ok := w.registerType(name)
	if !ok {
		return w.literal(name, t)
	}
	have, want := syntax.Bits(r), syntax.Bits(t)
	if have != want && (!narrow || have < want || isFloat(r) || isFloat(t) || r == "pred" || t == "pred") {
		return w.fail("register %s of type .%s is read as .%s", name, r, t)
	}
	n := registerName(name)
	switch {
	case isFloat(t) != isFloat(r):
		return fmt.Sprintf("ptx::bits<%s>(%s)", cType(t), n)
	case isFloat(t) || t == "pred" || cType(t) == cType(r):
		return n
	}
	return fmt.Sprintf("(%s)%s", cType(t), n)
}

var (
	single  = regexp.MustCompile(`^0[fF]([0-9a-fA-F]{8})$`)
	double  = regexp.MustCompile(`^0[dD]([0-9a-fA-F]{16})$`)
	special = regexp.MustCompile(`^%(tid|ntid|ctaid|nctaid)\.([xyz])$`)
)

// literal is what is no register: a constant, a special register, the address of a variable ("Constants", "Special Registers",
// "Taking the Address of Variables"). Addresses of shared variables are offsets in the shared window.
func (w *writer) literal(name, t string) string {
	c := cType(t)
	if m := single.FindStringSubmatch(name); m != nil {
		if syntax.Bits(t) != 32 {
			return w.fail("%s is read as .%s", name, t)
		}
		return fmt.Sprintf("ptx::bits<%s>(0x%su)", c, m[1])
	}
	if m := double.FindStringSubmatch(name); m != nil {
		if syntax.Bits(t) != 64 {
			return w.fail("%s is read as .%s", name, t)
		}
		return fmt.Sprintf("ptx::bits<%s>(uint64_t(0x%sull))", c, m[1])
	}
	if isFloat(t) {
		return w.fail("%q is no .%s", name, t)
	}
	if n, err := strconv.ParseInt(name, 0, 64); err == nil {
		return fmt.Sprintf("(%s)%#xull", c, uint64(n))
	}
	if n, err := strconv.ParseUint(strings.TrimSuffix(name, "U"), 0, 64); err == nil {
		return fmt.Sprintf("(%s)%#xull", c, n)
	}
	if m := special.FindStringSubmatch(name); m != nil {
		return fmt.Sprintf("(%s)%s.%s", c, m[1], m[2])
	}
	if name == "%laneid" {
		return "(" + c + ")W.running.fiber->lane"
	}
	return w.variable(name, c)
}

func (w *writer) variable(name, c string) string {
	for _, p := range w.kernel.Parameters {
		if p.Name == name {
			return fmt.Sprintf("(%s)%d", c, p.Offset)
		}
	}
	if n, ok := w.placed[name]; ok {
		return fmt.Sprintf("(%s)at[%d]", c, n+1)
	}
	for _, v := range w.module.Extern {
		if v.Name == name {
			return fmt.Sprintf("(%s)at[0]", c)
		}
	}
	for _, v := range w.module.Constants {
		if v.Name == name {
			return fmt.Sprintf("(%s)(uint64_t)%s", c, constantName(name))
		}
	}
	return w.fail("unknown operand %q", name)
}

// set writes a value of type t to a register of the same width.
func (w *writer) set(name, t, value string) string { return w.write(name, t, value, false) }

// widened writes to a register that may be wider: ld and cvt extend by sign or zero.
func (w *writer) widened(name, t, value string) string { return w.write(name, t, value, true) }

func (w *writer) write(name, t, value string, wide bool) string {
	r, ok := w.registerType(name)
	if !ok {
		return w.fail("%q is no register", name)
	}
	have, want := syntax.Bits(r), syntax.Bits(t)
	if have != want && (!wide || have < want || isFloat(r) || isFloat(t) || r == "pred" || t == "pred") {
		return w.fail("register %s of type .%s is written as .%s", name, r, t)
	}
	n := registerName(name)
	switch {
	case isFloat(t) != isFloat(r):
		return fmt.Sprintf("%s = ptx::bits<%s>((%s)(%s));", n, cType(r), cType(t), value)
	case isFloat(t) || t == "pred":
		return fmt.Sprintf("%s = %s;", n, value)
	}
	return fmt.Sprintf("%s = (%s)(%s)(%s);", n, cType(r), cType(t), value)
}

// address is the value of [name+offset] ("Addresses as Operands").
func (w *writer) address(o syntax.Operand) string {
	if !o.Address {
		return w.fail("%s is no address", o)
	}
	base := ""
	if r, ok := w.registerType(o.Name); !ok {
		base = w.literal(o.Name, "u64")
	} else if bits := syntax.Bits(r); bits == 64 || bits == 32 {
		base = w.value(o.Name, unsigned(r))
	} else {
		return w.fail("register %s of type .%s is no address", o.Name, r)
	}
	return fmt.Sprintf("(uint64_t)%s + %#xull", base, uint64(o.Offset))
}
