#include "go_asm.h"
#include "textflag.h"

// The batch of small matrix products between Winograd's transforms: tiles of 6 rows by 16 columns as in the direct
// convolutions, of 4 rows by 16 columns at the end, which leaves no sum idle.

#define CLEAR4 \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	VXORPS Y2, Y2, Y2; \
	VXORPS Y3, Y3, Y3; \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7

#define ROW(address, factor, left, right) \
	VBROADCASTSS address, factor; \
	VFMADD231PS Y12, factor, left; \
	VFMADD231PS Y13, factor, right

// STEP4 is step i of the unrolled loop for rows 0 to 3, which are R8 apart from SI and, for row 3, R12; STEP6 for all.
#define STEP4(i) \
	VMOVUPS (64*i)(DI), Y12; \
	VMOVUPS (64*i+32)(DI), Y13; \
	ROW((4*i)(SI), Y14, Y0, Y1); \
	ROW((4*i)(SI)(R8*1), Y15, Y2, Y3); \
	ROW((4*i)(SI)(R8*2), Y14, Y4, Y5); \
	ROW((4*i)(R12), Y15, Y6, Y7)

#define STEP6(i) \
	STEP4(i); \
	ROW((4*i)(R12)(R8*1), Y14, Y8, Y9); \
	ROW((4*i)(R12)(R8*2), Y15, Y10, Y11)

#define PUT(left, right) \
	VMOVUPS left, (AX); \
	VMOVUPS right, 32(AX); \
	ADDQ R9, AX

// func multiplyAVX2(j *gemmJob)
//
// Loops: matrices of the batch, panels of 16 columns, rows, the inner dimension by 4. Registers: SI and R12 the tile's
// first and fourth row in a, R8 a row of a, DI the panel, R9 a row of dst, AX the tile in dst, CX steps left, BX rows done,
// R10 the matrix in a, R11 the panel's first column in dst, R13 the panel, R14 matrices left, DX columns done, R15 the job.
TEXT ·multiplyAVX2(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), R15
	MOVQ gemmJob_inner(R15), R8
	SHLQ $2, R8
	MOVQ gemmJob_cols(R15), R9
	SHLQ $2, R9
	MOVQ gemmJob_a+0(R15), R10
	MOVQ gemmJob_b+0(R15), R13
	MOVQ gemmJob_dst+0(R15), R11
	MOVQ gemmJob_batch(R15), R14

matrix:
	XORQ DX, DX

panel:
	XORQ BX, BX

rows:
	MOVQ gemmJob_rows(R15), CX
	MOVQ CX, AX
	SUBQ BX, CX // rows left
	JLE  panelDone
	CMPQ CX, $6
	JGE  six

	// the last four rows, of which some may have been done
	SUBQ $4, AX
	CMPQ BX, AX
	CMOVQGT AX, BX
	MOVQ BX, SI
	IMULQ R8, SI
	ADDQ R10, SI
	LEAQ (R8)(R8*2), R12
	ADDQ SI, R12
	MOVQ R13, DI
	MOVQ gemmJob_inner(R15), CX
	CLEAR4

step4:
	STEP4(0)
	STEP4(1)
	STEP4(2)
	STEP4(3)
	ADDQ $16, SI
	ADDQ $16, R12
	ADDQ $256, DI
	SUBQ $4, CX
	JNZ  step4
	MOVQ BX, AX
	IMULQ R9, AX
	ADDQ R11, AX
	PUT(Y0, Y1)
	PUT(Y2, Y3)
	PUT(Y4, Y5)
	PUT(Y6, Y7)
	ADDQ $4, BX
	JMP  rows

six:
	MOVQ BX, SI
	IMULQ R8, SI
	ADDQ R10, SI
	LEAQ (R8)(R8*2), R12
	ADDQ SI, R12
	MOVQ R13, DI
	MOVQ gemmJob_inner(R15), CX
	CLEAR4
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11

step6:
	STEP6(0)
	STEP6(1)
	STEP6(2)
	STEP6(3)
	ADDQ $16, SI
	ADDQ $16, R12
	ADDQ $256, DI
	SUBQ $4, CX
	JNZ  step6
	MOVQ BX, AX
	IMULQ R9, AX
	ADDQ R11, AX
	PUT(Y0, Y1)
	PUT(Y2, Y3)
	PUT(Y4, Y5)
	PUT(Y6, Y7)
	PUT(Y8, Y9)
	PUT(Y10, Y11)
	ADDQ $6, BX
	JMP  rows

panelDone:
	MOVQ R8, AX
	SHLQ $4, AX
	ADDQ AX, R13 // inner * 16 floats
	ADDQ $64, R11
	ADDQ $16, DX
	CMPQ DX, gemmJob_cols(R15)
	JLT  panel

	MOVQ gemmJob_dstStride(R15), AX
	SUBQ DX, AX // R11 has gone over a row
	LEAQ (R11)(AX*4), R11
	MOVQ gemmJob_aStride(R15), AX
	LEAQ (R10)(AX*4), R10
	MOVQ gemmJob_bStride(R15), AX
	IMULQ gemmJob_inner(R15), DX
	SUBQ DX, AX // R13 has gone over a matrix
	LEAQ (R13)(AX*4), R13
	DECQ R14
	JNZ  matrix
	VZEROUPPER
	RET
