#include "go_asm.h"
#include "textflag.h"
#include "bf16_amd64.h"

// A tile is 8 rows by a panel of 32 columns: sums of columns 0 to 15 in even registers, of 16 to 31 in odd ones.

#define ROW(address, f, l, r) \
	VBROADCASTSS address, Z18; \
	VDPBF16PS(16, 18, l); \
	VDPBF16PS(17, 18, r)

#define CLEAR2(left, right) \
	VPXORQ left, left, left; \
	VPXORQ right, right, right

#define LOAD2(left, right) \
	VMOVUPS (AX), left; \
	VMOVUPS 64(AX), right; \
	ADDQ R9, AX

#define STORE2(left, right) \
	VMOVUPS left, (R13); \
	VMOVUPS right, 64(R13); \
	ADDQ R9, R13

#define EACH_ROW(OP) \
	OP(Z0, Z1); \
	OP(Z2, Z3); \
	OP(Z4, Z5); \
	OP(Z6, Z7); \
	OP(Z8, Z9); \
	OP(Z10, Z11); \
	OP(Z12, Z13); \
	OP(Z14, Z15)

// func panelBF16(j *panelJob)
//
// Registers: BX rows left, CX steps left, DI the panel, SI, R12 and DX rows 0, 3 and 6 of the tile in a, R8 the way from row to row
// there, R10 from step to step, R11 the tile in a, R13 in c, R9 a row of c.
TEXT ·panelBF16(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), R15
	MOVQ panelJob_rows(R15), BX
	MOVQ panelJob_aRow(R15), R8
	SHLQ $2, R8
	MOVQ panelJob_cRow(R15), R9
	SHLQ $2, R9
	MOVQ panelJob_aStep(R15), R10
	SHLQ $2, R10
	MOVQ panelJob_a+0(R15), R11
	MOVQ panelJob_c+0(R15), R13

tile:
	MOVQ R11, SI
	LEAQ (R8)(R8*2), DX
	LEAQ (SI)(DX*1), R12
	LEAQ (SI)(DX*2), DX
	MOVQ panelJob_b+0(R15), DI
	MOVQ panelJob_steps(R15), CX
	CMPB panelJob_add(R15), $0
	JNE  load
	EACH_ROW(CLEAR2)
	JMP  step

load:
	MOVQ R13, AX
	EACH_ROW(LOAD2)

step:
	VMOVUPS (DI), Z16
	VMOVUPS 64(DI), Z17
	ROW((SI), 18, 0, 1)
	ROW((SI)(R8*1), 19, 2, 3)
	ROW((SI)(R8*2), 20, 4, 5)
	ROW((R12), 21, 6, 7)
	ROW((SI)(R8*4), 22, 8, 9)
	ROW((R12)(R8*2), 23, 10, 11)
	ROW((DX), 24, 12, 13)
	ROW((R12)(R8*4), 25, 14, 15)
	ADDQ R10, SI
	ADDQ R10, R12
	ADDQ R10, DX
	ADDQ $128, DI
	DECQ CX
	JNZ  step
	EACH_ROW(STORE2)
	LEAQ (R11)(R8*8), R11
	SUBQ $8, BX
	JNZ  tile
	VZEROUPPER
	RET

// NARROW takes 32 numbers of two bytes from SI to Z0, COPY those that are bfloat16 already.
#define NARROW \
	VCVTPH2PS (SI)(AX*1), Z16; \
	VCVTPH2PS 32(SI)(AX*1), Z0; \
	VCVTNE2PS2BF16(16, 0)

#define COPY \
	VMOVDQU64 (SI)(AX*1), Z0

// MOVE_ROWS is the body of moveRows. Registers: SI and DI rows of src and dst, R8 and R9 their pitches, AX the offset in both, BX the length
// of a row, CX rows left.
#define MOVE_ROWS(LOAD) \
	MOVQ j+0(FP), R15; \
	MOVQ moveJob_dst+0(R15), DI; \
	MOVQ moveJob_src+0(R15), SI; \
	MOVQ moveJob_n(R15), BX; \
	SHLQ $1, BX; \
	MOVQ moveJob_rows(R15), CX; \
	MOVQ moveJob_srcPitch(R15), R8; \
	SHLQ $1, R8; \
	MOVQ moveJob_dstPitch(R15), R9; \
	SHLQ $1, R9; \
row: \
	XORQ AX, AX; \
vector: \
	LOAD; \
	VMOVDQU64 Z0, (DI)(AX*1); \
	ADDQ $64, AX; \
	CMPQ AX, BX; \
	JLT  vector; \
	ADDQ R8, SI; \
	ADDQ R9, DI; \
	DECQ CX; \
	JNZ  row; \
	VZEROUPPER; \
	RET

// func moveBF16(j *moveJob)
TEXT ·moveBF16(SB), NOSPLIT, $0-8
	MOVE_ROWS(COPY)

// func moveFP16(j *moveJob)
TEXT ·moveFP16(SB), NOSPLIT, $0-8
	MOVE_ROWS(NARROW)

// JOIN takes 16 numbers each of low, at SI, and of high, at DX, to the halves of Z0.
#define JOIN_BF16(offset) \
	VMOVDQU offset(SI), Y0; \
	VINSERTI64X4 $1, offset(DX), Z0, Z0

#define JOIN_FP16(offset) \
	VCVTPH2PS offset(SI), Z16; \
	VCVTPH2PS offset(DX), Z0; \
	VCVTNE2PS2BF16(16, 0)

// PAIR_UP is the body of pairUp. Registers: SI, DX and DI low, high and dst of a panel, R9, R10 and R11 of the pair of rows, R12 the step in low
// and high, R8 the stride of panels, CX panels left, BX pairs of rows left.
#define PAIR_UP(JOIN) \
	MOVQ j+0(FP), R15; \
	MOVQ pairJob_dst+0(R15), R11; \
	MOVQ pairJob_low+0(R15), R9; \
	MOVQ pairJob_high+0(R15), R10; \
	MOVQ pairJob_count(R15), BX; \
	MOVQ pairJob_step(R15), R12; \
	MOVQ pairJob_stride(R15), R8; \
	SHLQ $2, R8; \
	MOVQ $·interleave(SB), AX; \
	VMOVDQU16 (AX), Z31; \
pair: \
	MOVQ R9, SI; \
	MOVQ R10, DX; \
	MOVQ R11, DI; \
	MOVQ pairJob_panels(R15), CX; \
panel: \
	JOIN(0); \
	VPERMW Z0, Z31, Z0; \
	VMOVDQU64 Z0, (DI); \
	JOIN(32); \
	VPERMW Z0, Z31, Z0; \
	VMOVDQU64 Z0, 64(DI); \
	ADDQ $64, SI; \
	ADDQ $64, DX; \
	ADDQ R8, DI; \
	DECQ CX; \
	JNZ  panel; \
	LEAQ (R9)(R12*2), R9; \
	LEAQ (R10)(R12*2), R10; \
	ADDQ $128, R11; \
	DECQ BX; \
	JNZ  pair; \
	VZEROUPPER; \
	RET

// func pairUpBF16(j *pairJob)
TEXT ·pairUpBF16(SB), NOSPLIT, $0-8
	PAIR_UP(JOIN_BF16)

// func pairUpFP16(j *pairJob)
TEXT ·pairUpFP16(SB), NOSPLIT, $0-8
	PAIR_UP(JOIN_FP16)
