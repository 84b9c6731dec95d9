package mutate

import (
	"strings"
	"testing"

	"longtail/cuda/kernels/ptx/syntax"
)

// module is a module whose kernel has a body of statements.
func module(body string) string {
	return ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 k_param_0)\n{\n.reg .f32 %f<9>;\n.reg .b16 %rs<9>;\n.reg .b32 %r<9>;\n.reg .pred %p<9>;\n.reg .b64 %rd<9>;\n" +
		".shared .align 16 .b8 wide[64];\n" + body + "ret;\n}\n"
}

const mma = "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2}, {%r3}, {%f1, %f2, %f3, %f4};\n"

func TestHarmlessMutantsAreProved(t *testing.T) {
	for _, test := range []struct {
		name, class, body string
		want              bool
	}{
		{"product with a power of two", "mul rounds to zero", "mul.rn.f32 %f1, %f2, 0f3E800000;\nst.shared.f32 [wide], %f1;\n", true},
		{"product with three", "mul rounds to zero", "mul.rn.f32 %f1, %f2, 0f40400000;\nst.shared.f32 [wide], %f1;\n", false},
		{"sum with zero", "add rounds to zero", "add.rn.f32 %f1, %f2, 0f00000000;\nst.shared.f32 [wide], %f1;\n", true},
		{"sum with one", "add rounds to zero", "add.rn.f32 %f1, %f2, 0f3F800000;\nst.shared.f32 [wide], %f1;\n", false},
		{"sum of a value with itself", "add rounds to zero", "add.rn.f32 %f1, %f2, %f2;\nst.shared.f32 [wide], %f1;\n", true},
		{"product with a power of two by its bits", "mul rounds to zero", "shl.b32 %r1, %r3, 23;\nadd.s32 %r2, %r1, 1065353216;\nmov.b32 %f1, %r2;\nmul.rn.f32 %f3, %f2, %f1;\nst.shared.f32 [wide], %f3;\n", true},
		{"product with other bits", "mul rounds to zero", "shl.b32 %r1, %r3, 22;\nadd.s32 %r2, %r1, 1065353216;\nmov.b32 %f1, %r2;\nmul.rn.f32 %f3, %f2, %f1;\nst.shared.f32 [wide], %f3;\n", false},
		{"exponent", "cvt rounds to zero", "shr.s32 %r1, %r2, 23;\ncvt.rn.f32.s32 %f1, %r1;\nst.shared.f32 [wide], %f1;\n", true},
		{"longer integer", "cvt rounds to zero", "shr.s32 %r1, %r2, 3;\ncvt.rn.f32.s32 %f1, %r1;\nst.shared.f32 [wide], %f1;\n", false},
		{"multiple of log 2", "fma rounds up", "cvt.rni.f32.f32 %f1, %f2;\nfma.rn.f32 %f3, %f1, 0fBF318000, %f4;\nst.shared.f32 [wide], %f3;\n", true},
		{"multiple of log 2 by what is no integer", "fma rounds up", "mov.f32 %f1, %f2;\nfma.rn.f32 %f3, %f1, 0fBF318000, %f4;\nst.shared.f32 [wide], %f3;\n", false},
		{"only the sign counts", "fma rounds up", "fma.rn.f32 %f1, %f2, %f3, %f4;\nsetp.gt.f32 %p1, %f1, 0f00000000;\nmov.f32 %f1, %f5;\nst.shared.f32 [wide], %f1;\n", true},
		{"the value counts behind a branch", "fma rounds up", "fma.rn.f32 %f1, %f2, %f3, %f4;\nsetp.gt.f32 %p1, %f1, 0f00000000;\n@%p1 bra L1;\nmov.f32 %f1, %f5;\nL1:\nst.shared.f32 [wide], %f1;\n", false},
		{"never read", "fma rounds up", "fma.rn.f32 %f1, %f2, %f3, %f4;\n", false},
		{"fp16 again", "cvt rounds to zero", "cvt.f32.f16 %f1, %rs1;\ncvt.rn.f16.f32 %rs2, %f1;\n", true},
		{"fp16 or another value", "cvt rounds to zero", "cvt.f32.f16 %f1, %rs1;\n@%p1 bra L1;\nmov.f32 %f1, %f5;\nL1:\ncvt.rn.f16.f32 %rs2, %f1;\n", false},
		{"largest of fp16 values and zero", "cvt rounds to zero", "mov.f32 %f2, 0f00000000;\nL1:\ncvt.f32.f16 %f1, %rs1;\nmax.f32 %f2, %f2, %f1;\n@%p1 bra L1;\ncvt.rn.f16.f32 %rs2, %f2;\n", true},
		{"fp16 or zero", "cvt rounds to zero", "cvt.f32.f16 %f1, %rs1;\nselp.f32 %f2, %f1, 0f00000000, %p1;\ncvt.rn.f16.f32 %rs2, %f2;\n", true},
		{"largest of fp16 and fp32 values", "cvt rounds to zero", "ld.shared.f32 %f2, [wide];\nL1:\ncvt.f32.f16 %f1, %rs1;\nmax.f32 %f2, %f2, %f1;\n@%p1 bra L1;\ncvt.rn.f16.f32 %rs2, %f2;\n", false},
		{"first mma", sumsExchanged, "mov.f32 %f1, 0f00000000;\nmov.f32 %f2, %f1;\n" + mma, true},
		{"mma in a loop", sumsExchanged, "mov.f32 %f1, 0f00000000;\nmov.f32 %f2, %f1;\nL1:\n" + mma + "@%p1 bra L1;\n", false},
		{"load before stores", readOnly, "ld.global.f32 %f1, [%rd1];\nst.global.f32 [%rd2], %f1;\n", true},
		{"load behind a store to shared memory", readOnly, "st.shared.f32 [wide], %f1;\nld.global.f32 %f1, [%rd1];\n", true},
		{"load behind a store of the pass before", readOnly, "L1:\nld.global.f32 %f1, [%rd1];\nst.global.f32 [%rd2], %f1;\n@%p1 bra L1;\n", false},
		{"load behind an atomic operation", readOnly, "atom.acq_rel.gpu.add.u32 %r1, [%rd1], 1;\nld.global.f32 %f1, [%rd2];\n", false},
		{"squared difference", exchanged, "sub.rn.f32 %f1, %f2, %f3;\nfma.rn.f32 %f4, %f1, %f1, %f4;\n", true},
		{"difference", exchanged, "sub.rn.f32 %f1, %f2, %f3;\nfma.rn.f32 %f4, %f1, %f2, %f4;\n", false},
		{"array by 4 bytes", Align, "st.shared.f32 [wide+8], %f1;\n", true},
		{"array by 16 bytes", Align, "mov.u64 %rd1, wide;\nadd.s64 %rd2, %rd1, 16;\nst.shared.v4.f32 [%rd2], {%f1, %f2, %f3, %f4};\n", false},
	} {
		text := module(test.body)
		m, err := syntax.Parse(text)
		if err != nil {
			t.Fatal(test.name, err)
		}
		all := All(m, m.Kernels[0], strings.Split(text, "\n"))
		if len(all[test.class]) == 0 {
			t.Fatal(test.name, all)
		}
		if got := Harmless(m, m.Kernels[0], all[test.class][0]); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
