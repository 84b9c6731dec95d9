#include "go_asm.h"
#include "textflag.h"
#include "kernel_rows_amd64.h"

// Passes over rows of an image. All are bound by loads and stores, so each works on two vectors a turn and does nothing
// clever. Those with coefficients go over blocks of 16 channels (or 8, for the last), which keep their coefficients in
// registers, and within a block over rows and pixels.

// Loops of normalize and combine: blocks of channels, rows, pixels. AX is the offset in the row, BX its end, DX the pixel's
// length, CX rows left, SI the offset of the block, R15 the channels' end.

// NORMALIZE turns the 8 floats at offset o of the pixel into out = max(a * scale + shift, floor); floor comes first so that
// NaN remains NaN.
#define NORMALIZE(o, scale, shift, out) \
	VMOVUPS o(R9)(AX*1), out; \
	VFMADD213PS shift, scale, out

#define FINISH(o, out) \
	VMAXPS out, Y15, out; \
	VMOVUPS out, o(R8)(AX*1)

#define PLUS(o, out) VADDPS o(R10)(AX*1), out, out

// func normalizeAVX2(j *sweep)
TEXT ·normalizeAVX2(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), DI
	MOVQ sweep_p+8(DI), R15
	SHLQ $2, R15
	MOVQ R15, DX
	XORQ SI, SI
	VXORPS Y15, Y15, Y15
	MOVBLZX sweep_relu(DI), AX
	TESTQ AX, AX
	JNZ  block
	MOVL $0xff800000, AX // minus infinity
	VMOVD AX, X15
	VBROADCASTSS X15, Y15

block:
	LOAD_PLACES
	MOVQ sweep_rows(DI), CX
	MOVQ sweep_p+0(DI), AX
	VMOVUPS (AX)(SI*1), Y0
	MOVQ sweep_q+0(DI), BX
	VMOVUPS (BX)(SI*1), Y1
	MOVQ R15, R14
	SUBQ SI, R14
	CMPQ R14, $64
	JLT  narrow
	VMOVUPS 32(AX)(SI*1), Y2
	VMOVUPS 32(BX)(SI*1), Y3

row:
	MOVQ sweep_n(DI), BX
	SHLQ $2, BX
	MOVQ SI, AX
	TESTQ R10, R10
	JNZ  plus

pixel:
	NORMALIZE(0, Y0, Y1, Y4)
	NORMALIZE(32, Y2, Y3, Y5)
	FINISH(0, Y4)
	FINISH(32, Y5)
	ADDQ DX, AX
	CMPQ AX, BX
	JLT  pixel
	ADDQ R11, R8
	ADDQ R12, R9
	DECQ CX
	JNZ  row
	JMP  next

plus:
	NORMALIZE(0, Y0, Y1, Y4)
	NORMALIZE(32, Y2, Y3, Y5)
	PLUS(0, Y4)
	PLUS(32, Y5)
	FINISH(0, Y4)
	FINISH(32, Y5)
	ADDQ DX, AX
	CMPQ AX, BX
	JLT  plus
	ADVANCE_PLACES
	DECQ CX
	JNZ  row

next:
	ADDQ $64, SI
	CMPQ SI, R15
	JLT  block
	VZEROUPPER
	RET

narrow:
	MOVQ sweep_n(DI), BX
	SHLQ $2, BX
	MOVQ SI, AX

narrowPixel:
	NORMALIZE(0, Y0, Y1, Y4)
	TESTQ R10, R10
	JZ   narrowFinish
	PLUS(0, Y4)

narrowFinish:
	FINISH(0, Y4)
	ADDQ DX, AX
	CMPQ AX, BX
	JLT  narrowPixel
	ADDQ R11, R8
	ADDQ R12, R9
	TESTQ R10, R10
	JZ   narrowNext
	ADDQ R13, R10

narrowNext:
	DECQ CX
	JNZ  narrow
	VZEROUPPER
	RET

#define COMBINE(o, p, q, r, out) \
	VMOVUPS o(R10)(AX*1), out; \
	VFMADD213PS r, q, out; \
	VMOVUPS o(R9)(AX*1), Y15; \
	VFMADD231PS p, Y15, out; \
	VMOVUPS out, o(R8)(AX*1)

// func combineAVX2(j *sweep)
TEXT ·combineAVX2(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), DI
	MOVQ sweep_p+8(DI), R15
	SHLQ $2, R15
	MOVQ R15, DX
	XORQ SI, SI

block:
	LOAD_PLACES
	MOVQ sweep_p+0(DI), AX
	MOVQ sweep_q+0(DI), BX
	MOVQ sweep_r+0(DI), CX
	VMOVUPS (AX)(SI*1), Y0
	VMOVUPS (BX)(SI*1), Y1
	VMOVUPS (CX)(SI*1), Y2
	MOVQ R15, R14
	SUBQ SI, R14
	CMPQ R14, $64
	JLT  narrow
	VMOVUPS 32(AX)(SI*1), Y3
	VMOVUPS 32(BX)(SI*1), Y4
	VMOVUPS 32(CX)(SI*1), Y5
	MOVQ sweep_rows(DI), CX
	MOVQ sweep_n(DI), BX
	SHLQ $2, BX

row:
	MOVQ SI, AX

pixel:
	COMBINE(0, Y0, Y1, Y2, Y6)
	COMBINE(32, Y3, Y4, Y5, Y7)
	ADDQ DX, AX
	CMPQ AX, BX
	JLT  pixel
	ADVANCE_PLACES
	DECQ CX
	JNZ  row
	ADDQ $64, SI
	CMPQ SI, R15
	JLT  block
	VZEROUPPER
	RET

narrow:
	MOVQ sweep_rows(DI), CX
	MOVQ sweep_n(DI), BX
	SHLQ $2, BX

narrowRow:
	MOVQ SI, AX

narrowPixel:
	COMBINE(0, Y0, Y1, Y2, Y6)
	ADDQ DX, AX
	CMPQ AX, BX
	JLT  narrowPixel
	ADVANCE_PLACES
	DECQ CX
	JNZ  narrowRow
	VZEROUPPER
	RET

// FLAT_ROWS is a pass without coefficients: OP(o) does 8 floats at offset o of the row. BX is the last offset at which 16
// floats fit, DX the length of the row; a row of an odd number of vectors ends with one.
#define FLAT_ROWS(OP) \
	MOVQ j+0(FP), DI; \
	LOAD_PLACES; \
	MOVQ sweep_rows(DI), CX; \
	MOVQ sweep_n(DI), DX; \
	SHLQ $2, DX; \
	LEAQ -64(DX), BX; \
	VXORPS Y15, Y15, Y15; \
row: \
	XORQ AX, AX; \
	CMPQ AX, BX; \
	JGT  last; \
pair: \
	OP(0, Y0, Y1); \
	OP(32, Y2, Y3); \
	ADDQ $64, AX; \
	CMPQ AX, BX; \
	JLE  pair; \
last: \
	CMPQ AX, DX; \
	JGE  next; \
	OP(0, Y0, Y1); \
next: \
	ADVANCE_PLACES; \
	DECQ CX; \
	JNZ  row; \
	VZEROUPPER; \
	RET

// MASK compares 0 < a and keeps b there.
#define MASK(o, x, y) \
	VMOVUPS o(R9)(AX*1), x; \
	VCMPPS $0x1e, Y15, x, x; \
	VANDPS o(R10)(AX*1), x, x; \
	VMOVUPS x, o(R8)(AX*1)

#define ADD(o, x, y) \
	VMOVUPS o(R9)(AX*1), x; \
	VADDPS o(R10)(AX*1), x, x; \
	VMOVUPS x, o(R8)(AX*1)

// func maskAVX2(j *sweep)
TEXT ·maskAVX2(SB), NOSPLIT, $0-8
	FLAT_ROWS(MASK)

// func addAVX2(j *sweep)
TEXT ·addAVX2(SB), NOSPLIT, $0-8
	FLAT_ROWS(ADD)
