package exec

import (
	"strings"
	"testing"

	"longtail/cuda/kernels/ptx/syntax"
)

const module = `.version 7.8
.target sm_80
.address_size 64
.weak .shared .align 4 .b8 first[6];
.weak .shared .align 16 .b8 unused[64];
.weak .shared .align 16 .b8 second[32];
.extern .shared .align 16 .b8 dynamic[];
.visible .entry k(
	.param .u64 k_param_0
)
{
	.reg .pred %p<3>;
	.reg .b16 %rs<3>;
	.reg .b32 %r<9>;
	.reg .f32 %f<9>;
	.reg .b64 %rd<9>;
	.shared .align 8 .b8 own[8];
	mov.u64 %rd1, second;
	mov.u64 %rd2, own;
	mov.u32 %r1, first;
	mov.u64 %rd3, dynamic;
	INSTRUCTION
	ret;
}
`

// What is not known stops the translation, with the line.
func TestUnknownInstructionsAreRefused(t *testing.T) {
	for _, instruction := range []string{
		"brkpt;", "add.f32 %f1, %f2, %f3;", "add.rn.ftz.ftz.f32 %f1, %f2, %f3;", "add.s32 %r1, %r2;", "add.s32 %r1, %rs1, %r2;", "mul.lo.f32 %f1, %f2, %f3;",
		"mov.b32 %r1, unknown;", "mov.u32 %r99, 0;", "mov.f32 %f1, 1;", "ld.local.u32 %r1, [%rd1];", "ld.global.L1::evict_last.u32 %r1, [%rd1];",
		"ld.global.v2.f32 %f1, [%rd1];", "st.global.u32 [%rd1], %rs1;", "ld.param.u64 %r1, [k_param_0];", "atom.add.f32 %f1, [%rd1], %f2;",
		"cp.async.cg.shared.global [%r1], [%rd1], 8;", "cp.async.ca.shared.global [%r1], [%rd1], %r2;", "bar.sync 1;", "bar.sync 0, 64;", "bar.warp.sync 0xffff;",
		"shfl.sync.bfly.b32 %r1, %r2, 1, 31, 0xffff;", "shfl.bfly.b32 %r1, %r2, 1, 31;", "vote.sync.any.pred %p1, %p2, 0xffffffff;",
		"ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r1}, [%r2];", "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b8 {%r1,%r2,%r3,%r4}, [%r5];",
		"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1,%f2,%f3,%f4}, {%r1,%r2}, {%r3}, {%f1,%f2,%f3,%f4};",
		"cvt.f16.f32 %rs1, %f1;", "cvt.rn.s32.f32 %r1, %f1;", "setp.lo.s32 %p1, %r1, %r2;", "setp.lt.b32 %p1, %r1, %r2;", "bra nowhere;", "ex2.approx.ftz.f16 %rs1, %rs2;",
	} {
		_, err := Module("test", strings.Replace(module, "INSTRUCTION", instruction, 1))
		if err == nil || !strings.Contains(err.Error(), "line 22") {
			t.Errorf("%s: %v", instruction, err)
		}
	}
	if _, err := Module("test", strings.Replace(module, "INSTRUCTION", "add.rn.f32 %f1, %f2, %f3;", 1)); err != nil {
		t.Error(err)
	}
}

// A kernel with faults has its own instructions beside them; one that cannot be translated is an error.
func TestFaultsAreTranslatedBesideTheKernel(t *testing.T) {
	m, err := syntax.Parse(strings.Replace(module, "INSTRUCTION", "add.rn.f32 %f1, %f2, %f3;", 1))
	if err != nil {
		t.Fatal(err)
	}
	k := m.Kernels[0]
	last := k.Body[len(k.Body)-1]
	code, err := Kernel("test", m, k, Fault{Number: 5, Line: last.Line}, Fault{Number: 6, Line: last.Line, Instruction: &syntax.Instruction{Opcode: "exit"}}, Fault{Number: 9, Line: k.Shared[0].Line, Align: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"emulator::mutant_reached[5] = true; emulator::mutant_reached[6] = true; if (emulator::mutant == 5) {  } else if (emulator::mutant == 6) { return; } else { return; }",
		"emulator::mutant_reached[9] = true; if (emulator::mutant == 9) at = layout_9;",
		`planted_9 = emulator::plant("k", 9, layout_9[0])`, `planted_5 = emulator::plant("k", 5, ptx::adversarial`,
	} {
		if !strings.Contains(code, want) {
			t.Errorf("no %q in\n%s", want, code)
		}
	}
	if _, err := Kernel("test", m, k, Fault{Number: 1, Line: last.Line, Instruction: &syntax.Instruction{Opcode: "guess"}}); err == nil {
		t.Error("an unknown instruction is translated")
	}
}

func TestLayoutsOfSharedMemory(t *testing.T) {
	m, err := syntax.Parse(strings.Replace(module, "INSTRUCTION", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		layout Layout
		places []int // first, second, own
		bytes  int
	}{
		{Natural(m, m.Kernels[0]), []int{0, 16, 48}, 64},
		{Adversarial(m, m.Kernels[0]), []int{4, 16, 56}, 64},
	} {
		if len(test.layout.Places) != len(test.places) || test.layout.Bytes != test.bytes {
			t.Fatalf("%+v, want %v and %d bytes", test.layout, test.places, test.bytes)
		}
		for i, want := range test.places {
			if got := test.layout.Places[i]; got.Offset != want {
				t.Errorf("%s at %d, want %d", got.Name, got.Offset, want)
			}
		}
	}
}

// By hand: round trips until the last value is there that a stretch uses, instructions that are issued, and what is under way at its end.
func TestChainsOfLoads(t *testing.T) {
	for _, test := range []struct {
		name, code    string
		used, issued  int
		pending       map[string]int
		asynchronous  int
		stretchesSeen int
	}{
		{"independent loads", "ld.global.f32 %f1, [%rd1]; ld.global.f32 %f2, [%rd2]; add.rn.f32 %f3, %f1, %f2;", 1, 3, map[string]int{"%f1": 1, "%f2": 1}, 0, 1},
		{"a use between them", "ld.global.f32 %f1, [%rd1]; add.rn.f32 %f3, %f1, %f1; ld.global.f32 %f2, [%rd2]; add.rn.f32 %f3, %f3, %f2;", 1, 4, map[string]int{"%f1": 1, "%f2": 1}, 0, 1},
		{"an address that is loaded", "ld.global.u64 %rd2, [%rd1]; add.s64 %rd3, %rd2, %rd1; ld.global.f32 %f1, [%rd3];", 1, 3, map[string]int{"%rd2": 1, "%f1": 2}, 0, 1},
		{"a copy is no use", "ld.global.f32 %f1, [%rd1]; mov.f32 %f2, %f1;", 0, 1, map[string]int{"%f1": 1, "%f2": 1}, 0, 1},
		{"shared memory and parameters", "ld.param.u64 %rd1, [k_param_0]; ld.shared.f32 %f1, [%rd1]; add.rn.f32 %f1, %f1, %f1;", 0, 3, nil, 0, 1},
		{"an asynchronous copy", "ld.global.u64 %rd1, [%rd2]; cp.async.cg.shared.global [%r1], [%rd1], 16;", 1, 2, map[string]int{"%rd1": 1}, 2, 1},
		{"a barrier", "ld.global.f32 %f1, [%rd1]; bar.sync 0; ld.global.f32 %f2, [%rd2];", 0, 2, map[string]int{"%f1": 1}, 0, 2},
	} {
		m, err := syntax.Parse(strings.Replace(module, "INSTRUCTION", "bar.sync 0; "+test.code, 1))
		if err != nil {
			t.Fatal(err)
		}
		all := stretches(m.Kernels[0].Body)[1:]
		if got := len(all); got != test.stretchesSeen {
			t.Errorf("%s: %d stretches, want %d", test.name, got, test.stretchesSeen)
		}
		s := all[0]
		if s.used != test.used || s.copies != test.asynchronous || s.count != test.issued+last(all) {
			t.Errorf("%s: used %d, copies %d, %d instructions; want %d, %d, %d", test.name, s.used, s.copies, s.count, test.used, test.asynchronous, test.issued+last(all))
		}
		for r, there := range s.loads {
			if there != test.pending[r] {
				t.Errorf("%s: %s is there after %d round trips, want %d", test.name, r, there, test.pending[r])
			}
		}
	}
}

// last is 1 if the only stretch is the one that the module's ret ends.
func last(all []*stretch) int {
	if len(all) == 1 {
		return 1
	}
	return 0
}

// What is loaded in one stretch and used in another has a variable.
func TestLoadsAcrossStretches(t *testing.T) {
	m, err := syntax.Parse(strings.Replace(module, "INSTRUCTION", "ld.global.f32 %f1, [%rd1]; bar.sync 0; add.rn.f32 %f2, %f1, %f1;", 1))
	if err != nil {
		t.Fatal(err)
	}
	declarations, before := clocks(m.Kernels[0].Body)
	text := ""
	for _, statements := range before {
		text += statements
	}
	if declarations != "uint32_t t_f1 = 0; " || !strings.Contains(text, "t_f1 = T.now + 1;") || !strings.Contains(text, "if (t_f1 > T.now) T.now = t_f1;") {
		t.Errorf("%q, %q", declarations, text)
	}
}
