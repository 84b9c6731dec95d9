package families

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"os"
	"strings"
	"testing"
)

// operation is a kernel of one warp: lane l has a, b, c in %r1 to %r3, as floats in %f1 to %f3, and leaves its result in %r4.
type operation struct {
	name, body string
	want       func(a, b, c uint32) uint32 // of the lane's own operands; nil where lanes work together
}

func f32(b uint32) float32    { return math.Float32frombits(b) }
func bits32(f float32) uint32 { return math.Float32bits(f) }

// rounded is the exact result, rounded to 24 bits. Operands keep results far from subnormals and overflow.
func rounded(mode big.RoundingMode, f func(z *big.Float, a, b, c *big.Float) *big.Float) func(a, b, c uint32) uint32 {
	return func(a, b, c uint32) uint32 {
		exact := func(x uint32) *big.Float { return new(big.Float).SetFloat64(float64(f32(x))) }
		z := f(new(big.Float).SetPrec(400).SetMode(mode), exact(a), exact(b), exact(c))
		r, _ := new(big.Float).SetPrec(24).SetMode(mode).Set(z).Float32()
		return bits32(r)
	}
}

var modes = map[string]big.RoundingMode{"rn": big.ToNearestEven, "rz": big.ToZero, "rm": big.ToNegativeInf, "rp": big.ToPositiveInf}

func float(x string) string { return x + "\n\tmov.b32 %r4, %f4;" }
func predicate(x string) string {
	return x + "\n\tselp.b32 %r4, 1, 0, %p1;"
}
func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func operations() []operation {
	var all []operation
	for _, m := range []string{"rn", "rz", "rm", "rp"} {
		for _, o := range []struct {
			name string
			args string
			f    func(z *big.Float, a, b, c *big.Float) *big.Float
		}{
			{"add", "%f1, %f2", func(z, a, b, _ *big.Float) *big.Float { return z.Add(a, b) }},
			{"sub", "%f1, %f2", func(z, a, b, _ *big.Float) *big.Float { return z.Sub(a, b) }},
			{"mul", "%f1, %f2", func(z, a, b, _ *big.Float) *big.Float { return z.Mul(a, b) }},
			{"div", "%f1, %f2", func(z, a, b, _ *big.Float) *big.Float { return z.Quo(a, b) }},
			{"fma", "%f1, %f2, %f3", func(z, a, b, c *big.Float) *big.Float { return z.Add(z.Mul(a, b), c) }},
			{"rcp", "%f1", func(z, a, _, _ *big.Float) *big.Float { return z.Quo(big.NewFloat(1), a) }},
		} {
			all = append(all, operation{o.name + "_" + m, float(fmt.Sprintf("%s.%s.f32 %%f4, %s;", o.name, m, o.args)), rounded(modes[m], o.f)})
		}
		all = append(all, operation{"sqrt_" + m, float("abs.f32 %f5, %f1;\n\tsqrt." + m + ".f32 %f4, %f5;"),
			rounded(modes[m], func(z, a, _, _ *big.Float) *big.Float { return z.Sqrt(new(big.Float).Abs(a)) })})
	}
	return append(all, others...)
}

var others = []operation{
	{"max_f32", float("max.f32 %f4, %f1, %f2;"), func(a, b, _ uint32) uint32 { return bits32(max(f32(a), f32(b))) }},
	{"min_f32", float("min.f32 %f4, %f1, %f2;"), func(a, b, _ uint32) uint32 { return bits32(min(f32(a), f32(b))) }},
	{"max_nan", float("mov.f32 %f5, 0f7FC00000;\n\tmax.f32 %f4, %f5, %f2;"), func(_, b, _ uint32) uint32 { return b }},
	{"neg_abs", float("abs.f32 %f5, %f1;\n\tneg.f32 %f4, %f5;"), func(a, _, _ uint32) uint32 { return a | 1<<31 }},
	{"rni", float("cvt.rni.f32.f32 %f4, %f1;"), func(a, _, _ uint32) uint32 { return bits32(float32(math.RoundToEven(float64(f32(a))))) }},
	{"rzi", float("cvt.rzi.f32.f32 %f4, %f1;"), func(a, _, _ uint32) uint32 { return bits32(float32(math.Trunc(float64(f32(a))))) }},
	{"to_half_rn", "cvt.rn.f16.f32 %rs1, %f1;\n\tcvt.u32.u16 %r4, %rs1;", func(a, _, _ uint32) uint32 { return half(f32(a), big.ToNearestEven) }},
	{"to_half_rz", "cvt.rz.f16.f32 %rs1, %f1;\n\tcvt.u32.u16 %r4, %rs1;", func(a, _, _ uint32) uint32 { return half(f32(a), big.ToZero) }},
	{"to_halves_rn", "cvt.rn.f16x2.f32 %r4, %f1, %f2;", func(a, b, _ uint32) uint32 {
		return half(f32(a), big.ToNearestEven)<<16 | half(f32(b), big.ToNearestEven)
	}},
	{"to_halves_rz", "cvt.rz.f16x2.f32 %r4, %f1, %f2;", func(a, b, _ uint32) uint32 { return half(f32(a), big.ToZero)<<16 | half(f32(b), big.ToZero) }},
	{"to_bfloat", "cvt.rn.bf16.f32 %rs1, %f1;\n\tcvt.u32.u16 %r4, %rs1;", func(a, _, _ uint32) uint32 { return (a + 0x7fff + a>>16&1) >> 16 }},
	{"from_half", float("and.b32 %r5, %r1, 31743;\n\tcvt.u16.u32 %rs1, %r5;\n\tcvt.f32.f16 %f4, %rs1;"), func(a, _, _ uint32) uint32 { return bits32(fromHalf(a & 31743)) }},
	{"from_signed", float("cvt.rn.f32.s32 %f4, %r1;"), func(a, _, _ uint32) uint32 { return bits32(float32(int32(a))) }},
	{"from_unsigned_rz", float("cvt.rz.f32.u32 %f4, %r1;"), func(a, _, _ uint32) uint32 {
		return bits32(float32(a &^ (1<<max(0, 8-bits.LeadingZeros32(a)) - 1)))
	}},
	{"sign_extend", "cvt.s64.s32 %rd5, %r1;\n\tshr.u64 %rd5, %rd5, 32;\n\tcvt.u32.u64 %r4, %rd5;", func(a, _, _ uint32) uint32 { return uint32(int32(a) >> 31) }},
	{"add_sub", "add.s32 %r5, %r1, %r2;\n\tsub.s32 %r4, %r5, %r3;", func(a, b, c uint32) uint32 { return a + b - c }},
	{"mad_lo", "mad.lo.s32 %r4, %r1, %r2, %r3;", func(a, b, c uint32) uint32 { return a*b + c }},
	{"mul_hi", "mul.hi.u32 %r4, %r1, %r2;", func(a, b, _ uint32) uint32 { return uint32(uint64(a) * uint64(b) >> 32) }},
	{"mul_wide", "mul.wide.s32 %rd5, %r1, %r2;\n\tshr.u64 %rd5, %rd5, 32;\n\tcvt.u32.u64 %r4, %rd5;", func(a, b, _ uint32) uint32 { return uint32(int64(int32(a)) * int64(int32(b)) >> 32) }},
	{"div_rem", "or.b32 %r5, %r2, 1;\n\tdiv.s32 %r6, %r1, %r5;\n\trem.s32 %r7, %r1, %r5;\n\txor.b32 %r4, %r6, %r7;", func(a, b, _ uint32) uint32 { return uint32(int32(a)/int32(b|1) ^ int32(a)%int32(b|1)) }},
	{"min_max", "min.s32 %r5, %r1, %r2;\n\tmax.u32 %r4, %r5, %r3;", func(a, b, c uint32) uint32 { return max(uint32(min(int32(a), int32(b))), c) }},
	{"shifts", "shl.b32 %r5, %r1, %r2;\n\tshr.s32 %r6, %r1, 35;\n\tshr.u32 %r7, %r1, 3;\n\txor.b32 %r4, %r5, %r6;\n\txor.b32 %r4, %r4, %r7;",
		func(a, b, _ uint32) uint32 { return a<<min(b, 63) ^ uint32(int32(a)>>31) ^ a>>3 }},
	{"bfe", "bfe.u32 %r4, %r1, 4, 3;", func(a, _, _ uint32) uint32 { return a >> 4 & 7 }},
	{"logic", "and.b32 %r5, %r1, %r2;\n\tnot.b32 %r5, %r5;\n\tor.b32 %r4, %r5, %r3;", func(a, b, c uint32) uint32 { return ^(a & b) | c }},
	{"guard", "mov.u32 %r4, 7;\n\tsetp.lt.s32 %p1, %r1, %r2;\n\t@%p1 mov.u32 %r4, %r1;\n\t@!%p1 mov.u32 %r4, %r2;", func(a, b, _ uint32) uint32 { return uint32(min(int32(a), int32(b))) }},
	{"compare_unsigned", predicate("setp.le.u32 %p1, %r1, %r2;"), func(a, b, _ uint32) uint32 { return flag(a <= b) }},
	{"compare_floats", predicate("setp.gt.f32 %p2, %f1, %f2;\n\tsetp.ltu.f32 %p3, %f1, %f3;\n\txor.pred %p1, %p2, %p3;"),
		func(a, b, c uint32) uint32 { return flag(f32(a) > f32(b)) ^ flag(f32(a) < f32(c)) }},
	{"compare_nan", predicate("mov.f32 %f5, 0f7FC00000;\n\tsetp.leu.f32 %p2, %f1, %f5;\n\tsetp.le.f32 %p3, %f1, %f5;\n\tnot.pred %p3, %p3;\n\tand.pred %p1, %p2, %p3;"),
		func(_, _, _ uint32) uint32 { return 1 }},
	{"pack", "{ .reg .b16 low; .reg .b16 high; mov.b32 {low, high}, %r1; mov.b32 %r4, {high, low}; }", func(a, _, _ uint32) uint32 { return a<<16 | a>>16 }},
	{"vectors", "st.global.v2.u32 [%rd9], {%r1, %r2};\n\tld.global.u32 %r5, [%rd9+4];\n\tst.global.v4.u32 [%rd9], {%r1, %r2, %r3, %r5};\n\tld.global.v2.u32 {%r6, %r7}, [%rd9+8];\n\tsub.s32 %r4, %r6, %r7;",
		func(_, b, c uint32) uint32 { return c - b }},
	{"shfl_bfly", "shfl.sync.bfly.b32 %r4, %r1, 5, 0x1f, 0xffffffff;", nil},
	{"shfl_down", "shfl.sync.down.b32 %r4, %r1, 5, 0x1f, 0xffffffff;", nil},
	{"shfl_up", "shfl.sync.up.b32 %r4, %r1, 5, 0x0, 0xffffffff;", nil},
	{"shfl_idx", "shfl.sync.idx.b32 %r4, %r1, %r2, 0x1f, 0xffffffff;", nil},
	{"shfl_segments", "shfl.sync.bfly.b32 %r4, %r1, 9, 0x1807, 0xffffffff;", nil},
	{"ballot", "setp.lt.s32 %p1, %r1, 0;\n\tvote.sync.ballot.b32 %r4, %p1, 0xffffffff;", nil},
	{"matrix", "st.shared.u32 [%r9], %r1;\n\tbar.sync 0;\n\tldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r4}, [%r10];", nil},
	{"matrix_transposed", "st.shared.u32 [%r9], %r1;\n\tbar.sync 0;\n\tldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%r4}, [%r10];", nil},
	{"copy", "cp.async.ca.shared.global [%r9], [%rd6], 4;\n\tcp.async.commit_group;\n\tcp.async.wait_group 0;\n\tld.shared.u32 %r4, [%r9];", func(a, _, _ uint32) uint32 { return a }},
	{"copy_part", "cp.async.ca.shared.global [%r9], [%rd6], 4, 2;\n\tcp.async.commit_group;\n\tcp.async.wait_group 0;\n\tld.shared.u32 %r4, [%r9];", func(a, _, _ uint32) uint32 { return a & 0xffff }},
	{"mma_f16", mma("f16"), nil},
	{"mma_bf16", mma("bf16"), nil},
}

// mma makes its fragments from %r1 to %r3 by shifts, small numbers of the type: the sum of the four results, each times its own factor.
func mma(t string) string {
	return "ld.global.v4.u32 {%r20, %r21, %r22, %r23}, [%rd8];\n\tld.global.v2.u32 {%r24, %r25}, [%rd8+16];\n\tld.global.v4.f32 {%f20, %f21, %f22, %f23}, [%rd8+32];\n\t" +
		"mma.sync.aligned.m16n8k16.row.col.f32." + t + "." + t + ".f32 {%f24, %f25, %f26, %f27}, {%r20, %r21, %r22, %r23}, {%r24, %r25}, {%f20, %f21, %f22, %f23};\n\t" +
		"st.global.v4.f32 [%rd9], {%f24, %f25, %f26, %f27};\n\tmov.u32 %r4, 0;"
}

const head = `.version 7.8
.target sm_80
.address_size 64
.visible .entry %s(
	.param .u64 p0,
	.param .u64 p1,
	.param .u64 p2,
	.param .u64 p3,
	.param .u64 p4,
	.param .u64 p5
)
{
	.reg .pred %%p<4>;
	.reg .b16 %%rs<4>;
	.reg .b32 %%r<32>;
	.reg .f32 %%f<32>;
	.reg .b64 %%rd<16>;
	.shared .align 16 .b8 tile[128];
	mov.u32 %%r8, %%tid.x;
	shl.b32 %%r11, %%r8, 2;
	mov.u32 %%r12, tile;
	add.s32 %%r9, %%r12, %%r11;
	and.b32 %%r13, %%r8, 7;
	shl.b32 %%r13, %%r13, 4;
	add.s32 %%r10, %%r12, %%r13;
	mul.wide.u32 %%rd5, %%r8, 4;
	ld.param.u64 %%rd1, [p0];
	ld.param.u64 %%rd2, [p1];
	ld.param.u64 %%rd3, [p2];
	ld.param.u64 %%rd4, [p3];
	add.s64 %%rd6, %%rd1, %%rd5;
	ld.global.u32 %%r1, [%%rd6];
	add.s64 %%rd7, %%rd2, %%rd5;
	ld.global.u32 %%r2, [%%rd7];
	add.s64 %%rd7, %%rd3, %%rd5;
	ld.global.u32 %%r3, [%%rd7];
	mov.b32 %%f1, %%r1;
	mov.b32 %%f2, %%r2;
	mov.b32 %%f3, %%r3;
	ld.param.u64 %%rd8, [p4];
	mul.wide.u32 %%rd7, %%r8, 48;
	add.s64 %%rd8, %%rd8, %%rd7;
	ld.param.u64 %%rd9, [p5];
	mul.wide.u32 %%rd7, %%r8, 16;
	add.s64 %%rd9, %%rd9, %%rd7;
	add.s64 %%rd10, %%rd4, %%rd5;
	%s
	st.global.u32 [%%rd10], %%r4;
	ret;
}
`

func TestPTXIsOfTheTable(t *testing.T) {
	var text strings.Builder
	for i, o := range operations() {
		kernel := fmt.Sprintf(head, "family_"+o.name, o.body)
		if i > 0 {
			kernel = kernel[strings.Index(kernel, ".visible"):]
		}
		text.WriteString(kernel)
	}
	if os.Getenv("LONGTAIL_WRITE") != "" {
		if err := os.WriteFile("families.ptx", []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text.String() != PTX {
		t.Error("families.ptx is not of the table: LONGTAIL_WRITE=1 go test ./cuda/kernels/ptx/families")
	}
}

func half(x float32, mode big.RoundingMode) uint32 {
	r, _ := new(big.Float).SetPrec(11).SetMode(mode).SetFloat64(float64(x)).Float64()
	fraction, exponent := math.Frexp(math.Abs(r))
	h := uint32(math.Ldexp(fraction, 11)) - 1024 + uint32(exponent+14)<<10
	if x < 0 {
		h |= 0x8000
	}
	return h
}

func fromHalf(h uint32) float32 {
	if h>>10 == 0 {
		return float32(math.Ldexp(float64(h), -24))
	}
	return float32(math.Ldexp(float64(h&1023+1024), int(h>>10)-25))
}
