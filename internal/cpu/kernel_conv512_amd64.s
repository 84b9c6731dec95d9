#include "go_asm.h"
#include "textflag.h"
#include "kernel_conv_amd64.h"

// The direct convolutions of kernel_conv_amd64.s with AVX-512: a row of a tile is one vector, and a mask writes a part of a panel. A
// lane sums what a lane of AVX2 sums, in the same order.

#define ROW(address, factor, sum) \
	VBROADCASTSS address, factor; \
	VFMADD231PS Z12, factor, sum

// CONV_STEP is step i of the unrolled loop over a row of a window.
#define CONV_STEP(i) \
	VMOVUPS (64*i)(SI), Z12; \
	ROW((4*i)(R8)(AX*1), Z13, Z0); \
	ROW((4*i)(R9)(AX*1), Z14, Z1); \
	ROW((4*i)(R10)(AX*1), Z15, Z2); \
	ROW((4*i)(R11)(AX*1), Z16, Z3); \
	ROW((4*i)(R12)(AX*1), Z17, Z4); \
	ROW((4*i)(R13)(AX*1), Z18, Z5)

#define CLEAR6 \
	VPXORQ Z0, Z0, Z0; \
	VPXORQ Z1, Z1, Z1; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Z3, Z3, Z3; \
	VPXORQ Z4, Z4, Z4; \
	VPXORQ Z5, Z5, Z5

// PUT writes pixel i of the tile.
#define PUT(i, sum) \
	MOVLQSX (8*i+4)(R14), AX; \
	VMOVUPS sum, K1, (DX)(AX*4)

// MASK makes the mask K1 of so many lanes; it uses CX and AX.
#define MASK(width) \
	MOVQ width, CX; \
	MOVL $1, AX; \
	SHLL CX, AX; \
	DECL AX; \
	KMOVW AX, K1

// func tilesAVX512(j *tileJob)
TEXT ·tilesAVX512(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), DI
	MASK(tileJob_width(DI))
	LOAD_TILES
	SUM_TILE(CLEAR6)
	PUT(0, Z0)
	PUT(1, Z1)
	PUT(2, Z2)
	PUT(3, Z3)
	PUT(4, Z4)
	PUT(5, Z5)
	ADDQ $48, R14
	DECQ R15
	JNZ  tile
	VZEROUPPER
	RET

#define ADD_ROW(i, sum) \
	VADDPS (64*i)(SI), sum, sum; \
	VMOVUPS sum, (64*i)(SI)

// GRAD_TILES is the body for groups of count rows of weights, of which there are whole ones: 12, and those that CLEAR, ROWS and ADD have.
// Registers as those of gradTilesAVX2, DX is the first row's offset in x.
#define GRAD_TILES(count, CLEAR, ROWS, ADD) \
	MOVQ j+0(FP), DI; \
	MASK(gradJob_width(DI)); \
	MOVQ gradJob_xStep(DI), R10; \
	SHLQ $2, R10; \
	MOVQ gradJob_dyStep(DI), R11; \
	SHLQ $2, R11; \
	MOVQ gradJob_cols(DI), AX; \
	MOVQ gradJob_xPitch(DI), R12; \
	SHLQ $2, R12; \
	MOVQ AX, DX; \
	IMULQ R10, DX; \
	SUBQ DX, R12; \
	MOVQ gradJob_dyPitch(DI), R13; \
	SHLQ $2, R13; \
	MOVQ AX, DX; \
	IMULQ R11, DX; \
	SUBQ DX, R13; \
	MOVQ gradJob_sum+0(DI), SI; \
	XORQ BX, BX; \
group: \
	MOVQ gradJob_x+0(DI), R8; \
	LEAQ (R8)(BX*4), R8; \
	MOVQ gradJob_dy+0(DI), R9; \
	MOVQ gradJob_rows(DI), CX; \
	CLEAR6; \
	VPXORQ Z6, Z6, Z6; \
	VPXORQ Z7, Z7, Z7; \
	VPXORQ Z8, Z8, Z8; \
	VPXORQ Z9, Z9, Z9; \
	VPXORQ Z10, Z10, Z10; \
	VPXORQ Z11, Z11, Z11; \
	CLEAR; \
row: \
	MOVQ gradJob_cols(DI), AX; \
pixel: \
	VMOVUPS.Z (R9), K1, Z12; \
	ROW(0(R8), Z13, Z0); \
	ROW(4(R8), Z14, Z1); \
	ROW(8(R8), Z15, Z2); \
	ROW(12(R8), Z16, Z3); \
	ROW(16(R8), Z17, Z4); \
	ROW(20(R8), Z18, Z5); \
	ROW(24(R8), Z19, Z6); \
	ROW(28(R8), Z20, Z7); \
	ROW(32(R8), Z21, Z8); \
	ROW(36(R8), Z22, Z9); \
	ROW(40(R8), Z23, Z10); \
	ROW(44(R8), Z24, Z11); \
	ROWS; \
	ADDQ R10, R8; \
	ADDQ R11, R9; \
	DECQ AX; \
	JNZ  pixel; \
	ADDQ R12, R8; \
	ADDQ R13, R9; \
	DECQ CX; \
	JNZ  row; \
	ADD_ROW(0, Z0); \
	ADD_ROW(1, Z1); \
	ADD_ROW(2, Z2); \
	ADD_ROW(3, Z3); \
	ADD_ROW(4, Z4); \
	ADD_ROW(5, Z5); \
	ADD_ROW(6, Z6); \
	ADD_ROW(7, Z7); \
	ADD_ROW(8, Z8); \
	ADD_ROW(9, Z9); \
	ADD_ROW(10, Z10); \
	ADD_ROW(11, Z11); \
	ADD; \
	ADDQ $count, BX; \
	ADDQ $(64*count), SI; \
	CMPQ BX, gradJob_run(DI); \
	JLT  group; \
	VZEROUPPER; \
	RET

#define NOTHING

// func gradTilesAVX512(j *gradJob)
TEXT ·gradTilesAVX512(SB), NOSPLIT, $0-8
	GRAD_TILES(12, NOTHING, NOTHING, NOTHING)

#define CLEAR_TWO \
	VPXORQ Z25, Z25, Z25; \
	VPXORQ Z26, Z26, Z26

#define ROW_TWO \
	ROW(48(R8), Z27, Z25); \
	ROW(52(R8), Z28, Z26)

#define ADD_TWO \
	ADD_ROW(12, Z25); \
	ADD_ROW(13, Z26)

// func gradTiles14AVX512(j *gradJob)
TEXT ·gradTiles14AVX512(SB), NOSPLIT, $0-8
	GRAD_TILES(14, CLEAR_TWO, ROW_TWO, ADD_TWO)
