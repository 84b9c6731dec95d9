package exec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

func init() {
	family(access, "ld", "st")
	family(atomic, "atom")
	family(copyAsync, "cp")
}

// access: "ld" and "st", weak or volatile, of scalars and vectors ("Vectors as Operands").
func access(w *writer, i *syntax.Instruction, p []string) string {
	t := p[len(p)-1]
	if syntax.Bits(t) < 8 || len(p) < 2 || !w.operands(i, 2) {
		return w.unknown(i)
	}
	space, count := "generic", 1
	for _, m := range p[1 : len(p)-1] {
		switch {
		case space == "generic" && (m == "global" || m == "shared" || m == "param" && p[0] == "ld"):
			space = m
		case m == "v2" || m == "v4":
			count = int(m[1] - '0')
		case m == "nc" && p[0] == "ld" && space == "global":
			space = "read_only"
		case m == "volatile" && space == "generic":
		default:
			return w.unknown(i)
		}
	}
	values, place := i.Operands[0], i.Operands[1]
	if p[0] == "st" {
		values, place = place, values
	}
	registers := values.Registers()
	if len(registers) != count || values.Address {
		return w.unknown(i)
	}
	var all []string
	if p[0] == "st" {
		for _, r := range registers {
			all = append(all, w.narrowed(r, t))
		}
		return fmt.Sprintf("{ const %s q[] = {%s}; ptx::store<ptx::%s>(W, %d, q, %s); }", cType(t), strings.Join(all, ", "), space, i.Line, w.address(place))
	}
	for n, r := range registers {
		all = append(all, w.widened(r, t, fmt.Sprintf("q[%d]", n)))
	}
	if space == "param" {
		return fmt.Sprintf("{ %s q[%d]; ptx::load_parameter(W, %d, q, P, %s, %d); %s }", cType(t), count, i.Line, w.address(place), w.kernel.ParameterBytes, strings.Join(all, " "))
	}
	return fmt.Sprintf("{ %s q[%d]; ptx::load<ptx::%s>(W, %d, q, %s); %s }", cType(t), count, space, i.Line, w.address(place), strings.Join(all, " "))
}

var atomics = map[string]string{"add": "add", "max": "max", "or": "or", "exch": "exchange", "cas": "compare"}

// orders are the statements before and behind an atomic operation that the GPU's "sem" stands for, relaxed without one. Before a release the
// thread's writes must be there, a round trip; behind an acquire it only forgets what it has cached.
var orders = map[string][2]string{
	"relaxed": {}, "acquire": {"", "emulator::fence();"}, "release": {"emulator::fence(); T.now++;", ""}, "acq_rel": {"emulator::fence(); T.now++;", "emulator::fence();"},
}

// atomic: "atom" on generic addresses.
func atomic(w *writer, i *syntax.Instruction, p []string) string {
	order := orders["relaxed"]
	if len(p) == 5 && p[2] == "gpu" {
		var known bool
		if order, known = orders[p[1]]; !known {
			return w.unknown(i)
		}
		p = slices.Delete(slices.Clone(p), 1, 3)
	}
	if len(p) != 3 || atomics[p[1]] == "" || syntax.Bits(p[2]) < 32 || isFloat(p[2]) {
		return w.unknown(i)
	}
	count, expected := 3, "0"
	t := p[2]
	if p[1] == "cas" {
		count = 4
	}
	if !w.operands(i, count) {
		return ""
	}
	if p[1] == "cas" {
		expected = w.value(i.Operands[2].Name, t)
	}
	address := w.address(i.Operands[1])
	operation := w.set(i.Operands[0].Name, t, fmt.Sprintf("ptx::atomic<%s>(W, %d, emulator::atomic_%s, %s, %s, %s)", cType(t), i.Line, atomics[p[1]],
		address, w.value(i.Operands[count-1].Name, t), expected))
	return fmt.Sprintf("{ const uint64_t at_address = %s; %s T.reach(at_address); %s T.answer(at_address); %s }", address, order[0], operation, order[1])
}

// copyAsync: "cp.async": cp-size is 4, 8 or 16 bytes with .ca, 16 with .cg; bytes beyond src-size are zeros.
func copyAsync(w *writer, i *syntax.Instruction, p []string) string {
	switch i.Opcode {
	case "cp.async.commit_group":
		if !w.operands(i, 0) {
			return ""
		}
		return "emulator::copy_async_commit();"
	case "cp.async.wait_all":
		return "emulator::copy_async_commit(); emulator::copy_async_wait(0); T.copied();"
	case "cp.async.wait_group":
		if !w.operands(i, 1) {
			return ""
		}
		return fmt.Sprintf("emulator::copy_async_wait(%s); T.copied();", w.value(i.Operands[0].Name, "s32"))
	case "cp.async.ca.shared.global", "cp.async.cg.shared.global":
	default:
		return w.unknown(i)
	}
	if len(i.Operands) != 3 && len(i.Operands) != 4 {
		return w.unknown(i)
	}
	size, err := strconv.Atoi(i.Operands[2].Name)
	if err != nil || size != 16 && (p[2] == "cg" || size != 4 && size != 8) {
		return w.unknown(i)
	}
	source := strconv.Itoa(size)
	if len(i.Operands) == 4 {
		source = w.value(i.Operands[3].Name, "u32")
	}
	return fmt.Sprintf("ptx::copy_async<%d>(W, %d, %s, %s, %s);", size, i.Line, w.address(i.Operands[0]), w.address(i.Operands[1]), source)
}
