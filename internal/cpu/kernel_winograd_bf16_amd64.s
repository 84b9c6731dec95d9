#include "go_asm.h"
#include "textflag.h"
#include "bf16_amd64.h"

// The transforms of Winograd's convolution with results in bfloat16.

#define SIZE 64
#define SHIFT 6
#define V0 Z0
#define V1 Z1
#define V2 Z2
#define V3 Z3
#define V4 Z4
#define V5 Z5
#define V6 Z6
#define V7 Z7
#define V8 Z8
#define V9 Z9
#define V10 Z10
#define V11 Z11
#define V12 Z12
#define V13 Z13
#define V14 Z14
#define V15 Z15
#define FETCH_BELOW
#include "kernel_winograd_amd64.h"

// HALF_ROW rounds and writes row y of a tile's points, 16 channels of 2 bytes each.
#define HALF_ROW(y) \
	FETCH6(y); \
	INPUT_LINE; \
	VCVTNEPS2BF16(0); \
	VCVTNEPS2BF16(2); \
	VCVTNEPS2BF16(6); \
	VCVTNEPS2BF16(3); \
	VCVTNEPS2BF16(7); \
	VCVTNEPS2BF16(1); \
	STORE6(R11, Y0, Y2, Y6, Y3, Y7, Y1); \
	LEAQ (R9)(R11*2), AX; \
	ADDQ R11, AX

// func winoInputBF16(j *winoJob)
//
// Points are [tiles][channels] of 2 bytes.
TEXT ·winoInputBF16(SB), 0, $2368-8
	BEGIN
	LOOPS
vector:
	MOVQ SI, AX
	INPUT_COLUMN(0)
	INPUT_COLUMN(1)
	INPUT_COLUMN(2)
	INPUT_COLUMN(3)
	INPUT_COLUMN(4)
	INPUT_COLUMN(5)
	MOVQ DI, AX
	HALF_ROW(0)
	HALF_ROW(1)
	HALF_ROW(2)
	HALF_ROW(3)
	HALF_ROW(4)
	HALF_ROW(5)
	SUBQ $32, DI // NEXT goes over a vector of float32
	NEXT

// Two tiles side by side make pairs: R12 is the second block, behind the first; Z31 interleaves the halves of a register.
#define BEGIN_PAIRS \
	BEGIN; \
	LEAQ 2304(R14), R12; \
	MOVQ $·interleave(SB), AX; \
	VMOVDQU16 (AX), Z31

#define LOOPS_PAIRS \
tiles: \
	MOVQ R8, SI; \
	MOVQ winoJob_cols(R15), BX; \
	SHRQ $1, BX; \
tile: \
	MOVQ R10, CX; \
	SHRQ $SHIFT, CX

#define NEXT_PAIR \
	ADDQ $SIZE, SI; \
	ADDQ $SIZE, DI; \
	DECQ CX; \
	JNZ  vector; \
	LEAQ (R10)(R10*2), AX; \
	LEAQ (AX)(R10*4), AX; \
	ADDQ AX, SI; \
	DECQ BX; \
	JNZ  tile; \
	LEAQ (R8)(DX*4), R8; \
	DECQ R13; \
	JNZ  tiles; \
	VZEROUPPER; \
	RET

// PAIR puts the points of the second tile, in Z(high), behind those of the first, in Z(low).
#define PAIR(low, high, register) \
	VCVTNE2PS2BF16(low, high); \
	VPERMW register, Z31, register

#define KEEP_FIRST(a, b, c, d, e, f) \
	VMOVAPS a, Z16; \
	VMOVAPS b, Z17; \
	VMOVAPS c, Z18; \
	VMOVAPS d, Z19; \
	VMOVAPS e, Z20; \
	VMOVAPS f, Z21

#define INPUT_PAIR(y) \
	FETCH6(y); \
	INPUT_LINE; \
	KEEP_FIRST(Z0, Z2, Z6, Z3, Z7, Z1); \
	XCHGQ R14, R12; \
	FETCH6(y); \
	XCHGQ R14, R12; \
	INPUT_LINE; \
	PAIR(16, 0, Z0); \
	PAIR(17, 2, Z2); \
	PAIR(18, 6, Z6); \
	PAIR(19, 3, Z3); \
	PAIR(20, 7, Z7); \
	PAIR(21, 1, Z1); \
	STORE6(R11, Z0, Z2, Z6, Z3, Z7, Z1); \
	LEAQ (R9)(R11*2), AX; \
	ADDQ R11, AX

#define INPUT_COLUMNS \
	INPUT_COLUMN(0); \
	INPUT_COLUMN(1); \
	INPUT_COLUMN(2); \
	INPUT_COLUMN(3); \
	INPUT_COLUMN(4); \
	INPUT_COLUMN(5)

// func winoInputPairs(j *winoJob)
//
// Points are [tiles / 2][channels] pairs; a row of tiles has an even number.
TEXT ·winoInputPairs(SB), 0, $4672-8
	BEGIN_PAIRS
	LOOPS_PAIRS
vector:
	MOVQ SI, AX
	INPUT_COLUMNS
	LEAQ (SI)(R10*4), AX
	XCHGQ R14, R12
	INPUT_COLUMNS
	XCHGQ R14, R12
	MOVQ DI, AX
	INPUT_PAIR(0)
	INPUT_PAIR(1)
	INPUT_PAIR(2)
	INPUT_PAIR(3)
	INPUT_PAIR(4)
	INPUT_PAIR(5)
	NEXT_PAIR

// GRAD_PAIR leaves the second tile's points in Z0, Z8, Z4, Z9, Z5, Z3, of which Z8 and Z9 go to Z1 and Z2.
#define GRAD_PAIR(y) \
	FETCH4(y); \
	GRAD_LINE; \
	KEEP_FIRST(Z0, Z8, Z4, Z9, Z5, Z3); \
	XCHGQ R14, R12; \
	FETCH4(y); \
	XCHGQ R14, R12; \
	GRAD_LINE; \
	VMOVAPS Z8, Z1; \
	VMOVAPS Z9, Z2; \
	PAIR(16, 0, Z0); \
	PAIR(17, 1, Z1); \
	PAIR(18, 4, Z4); \
	PAIR(19, 2, Z2); \
	PAIR(20, 5, Z5); \
	PAIR(21, 3, Z3); \
	STORE6(R11, Z0, Z1, Z4, Z2, Z5, Z3); \
	LEAQ (R9)(R11*2), AX; \
	ADDQ R11, AX

#define GRAD_COLUMNS \
	GRAD_COLUMN(0); \
	GRAD_COLUMN(1); \
	GRAD_COLUMN(2); \
	GRAD_COLUMN(3)

// func winoGradPairs(j *winoJob)
//
// As winoInputPairs.
TEXT ·winoGradPairs(SB), 0, $4672-8
	BEGIN_PAIRS
	LOOPS_PAIRS
vector:
	MOVQ SI, AX
	GRAD_COLUMNS
	LEAQ (SI)(R10*4), AX
	XCHGQ R14, R12
	GRAD_COLUMNS
	XCHGQ R14, R12
	MOVQ DI, AX
	GRAD_PAIR(0)
	GRAD_PAIR(1)
	GRAD_PAIR(2)
	GRAD_PAIR(3)
	GRAD_PAIR(4)
	GRAD_PAIR(5)
	NEXT_PAIR

// func pairRowsBF16(dst, src *float32, rows int)
//
// Turns an even number of rows of 16 floats to half as many rows of 16 pairs.
TEXT ·pairRowsBF16(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ $·interleave(SB), AX
	VMOVDQU16 (AX), Z31

pair:
	VMOVUPS (SI), Z16
	VMOVUPS 64(SI), Z0
	PAIR(16, 0, Z0)
	VMOVUPS Z0, (DI)
	ADDQ $128, SI
	ADDQ $64, DI
	SUBQ $2, CX
	JNZ  pair
	VZEROUPPER
	RET
