#include "go_asm.h"
#include "textflag.h"

// The transforms of Winograd's convolution F(4x4, 3x3), 8 channels of a tile at a time: first the columns of the tile, into
// a block of 36 vectors on the stack, then the rows of that. The lines are those of kernel_winograd_generic.go.

// Registers of all three: SI the image at the tile's first pixel, DX its pitch, R10 a pixel, DI the tile's first point, R11
// the way to the next point, R14 the block, R8 the first pixel of the row of tiles, CX vectors of channels left, BX tiles
// left in the row, R13 rows of tiles left, R15 the job; AX and R9 are addresses of lines.
#define BEGIN \
	MOVQ j+0(FP), R15; \
	LEAQ 31(SP), R14; \
	ANDQ $~31, R14; \
	MOVQ winoJob_image+0(R15), R8; \
	MOVQ winoJob_points+0(R15), DI; \
	MOVQ winoJob_pitch(R15), DX; \
	SHLQ $2, DX; \
	MOVQ winoJob_channels(R15), R10; \
	SHLQ $2, R10; \
	MOVQ winoJob_rows(R15), R13; \
	MOVQ winoJob_stride(R15), R11; \
	SHLQ $2, R11; \
	VBROADCASTSS winoJob_factors+0(R15), Y10; \
	VBROADCASTSS winoJob_factors+4(R15), Y11; \
	VBROADCASTSS winoJob_factors+8(R15), Y12; \
	VBROADCASTSS winoJob_factors+12(R15), Y13; \
	VBROADCASTSS winoJob_factors+16(R15), Y14; \
	VBROADCASTSS winoJob_factors+20(R15), Y15

// NEXT goes to the next vector, tile, row of tiles.
#define NEXT \
	ADDQ $32, SI; \
	ADDQ $32, DI; \
	DECQ CX; \
	JNZ  vector; \
	LEAQ (R10)(R10*2), AX; \
	ADDQ AX, SI; \
	DECQ BX; \
	JNZ  tile; \
	LEAQ (R8)(DX*4), R8; \
	DECQ R13; \
	JNZ  tiles; \
	VZEROUPPER; \
	RET

#define LOOPS \
tiles: \
	MOVQ R8, SI; \
	MOVQ winoJob_cols(R15), BX; \
tile: \
	MOVQ R10, CX; \
	SHRQ $5, CX

// LOAD6 and STORE6 are a line of vectors that are step apart, from AX on.
#define LOAD6(step) \
	LEAQ (step)(step*2), R9; \
	ADDQ AX, R9; \
	VMOVUPS (AX), Y0; \
	VMOVUPS (AX)(step*1), Y1; \
	VMOVUPS (AX)(step*2), Y2; \
	VMOVUPS (R9), Y3; \
	VMOVUPS (R9)(step*1), Y4; \
	VMOVUPS (R9)(step*2), Y5

#define LOAD4(step) \
	LEAQ (AX)(step*2), R9; \
	VMOVUPS (AX), Y0; \
	VMOVUPS (AX)(step*1), Y1; \
	VMOVUPS (R9), Y2; \
	VMOVUPS (R9)(step*1), Y3

#define STORE6(step, a, b, c, d, e, f) \
	LEAQ (step)(step*2), R9; \
	ADDQ AX, R9; \
	VMOVUPS a, (AX); \
	VMOVUPS b, (AX)(step*1); \
	VMOVUPS c, (AX)(step*2); \
	VMOVUPS d, (R9); \
	VMOVUPS e, (R9)(step*1); \
	VMOVUPS f, (R9)(step*2)

#define STORE4(step, a, b, c, d) \
	LEAQ (AX)(step*2), R9; \
	VMOVUPS a, (AX); \
	VMOVUPS b, (AX)(step*1); \
	VMOVUPS c, (R9); \
	VMOVUPS d, (R9)(step*1)

// A column x of the block is 32 bytes wide, a row y 192 bytes long.
#define KEEP4(x, a, b, c, d) \
	VMOVAPS a, (32*x)(R14); \
	VMOVAPS b, (32*x+192)(R14); \
	VMOVAPS c, (32*x+384)(R14); \
	VMOVAPS d, (32*x+576)(R14)

#define KEEP6(x, a, b, c, d, e, f) \
	KEEP4(x, a, b, c, d); \
	VMOVAPS e, (32*x+768)(R14); \
	VMOVAPS f, (32*x+960)(R14)

#define FETCH4(y) \
	VMOVAPS (192*y)(R14), Y0; \
	VMOVAPS (192*y+32)(R14), Y1; \
	VMOVAPS (192*y+64)(R14), Y2; \
	VMOVAPS (192*y+96)(R14), Y3

#define FETCH6(y) \
	FETCH4(y); \
	VMOVAPS (192*y+128)(R14), Y4; \
	VMOVAPS (192*y+160)(R14), Y5

// INPUT_LINE: B^T d of Y0 to Y5, in Y0, Y2, Y6, Y3, Y7, Y1. Factors: a^2 b^2, a^2 + b^2, a^2, b^2, a, b.
#define INPUT_LINE \
	VMOVAPS Y4, Y6; \
	VFNMADD231PS Y2, Y13, Y6; \
	VMOVAPS Y4, Y7; \
	VFNMADD231PS Y2, Y12, Y7; \
	VMOVAPS Y3, Y8; \
	VFNMADD231PS Y1, Y13, Y8; \
	VMOVAPS Y3, Y9; \
	VFNMADD231PS Y1, Y12, Y9; \
	VFMADD213PS Y4, Y10, Y0; \
	VFNMADD231PS Y2, Y11, Y0; \
	VFMADD213PS Y5, Y10, Y1; \
	VFNMADD231PS Y3, Y11, Y1; \
	VMOVAPS Y6, Y2; \
	VFMADD231PS Y8, Y14, Y2; \
	VFNMADD231PS Y8, Y14, Y6; \
	VMOVAPS Y7, Y3; \
	VFMADD231PS Y9, Y15, Y3; \
	VFNMADD231PS Y9, Y15, Y7

#define INPUT_COLUMN(x) \
	LOAD6(DX); \
	INPUT_LINE; \
	KEEP6(x, Y0, Y2, Y6, Y3, Y7, Y1); \
	ADDQ R10, AX

#define INPUT_ROW(y) \
	FETCH6(y); \
	INPUT_LINE; \
	STORE6(R11, Y0, Y2, Y6, Y3, Y7, Y1); \
	LEAQ (R9)(R11*2), AX; \
	ADDQ R11, AX

// func winoInputAVX2(j *winoJob)
TEXT ·winoInputAVX2(SB), 0, $1184-8
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
	INPUT_ROW(0)
	INPUT_ROW(1)
	INPUT_ROW(2)
	INPUT_ROW(3)
	INPUT_ROW(4)
	INPUT_ROW(5)
	NEXT

// OUTPUT_LINE: A^T m of Y0 to Y5, in Y0, Y1, Y2, Y5. Factors: a, b and their squares and cubes.
#define OUTPUT_LINE \
	VADDPS Y2, Y1, Y6; \
	VSUBPS Y2, Y1, Y7; \
	VADDPS Y4, Y3, Y8; \
	VSUBPS Y4, Y3, Y9; \
	VADDPS Y6, Y0, Y0; \
	VMULPS Y7, Y10, Y1; \
	VMULPS Y6, Y12, Y2; \
	VFMADD231PS Y7, Y14, Y5; \
	VADDPS Y8, Y0, Y0; \
	VFMADD231PS Y9, Y11, Y1; \
	VFMADD231PS Y8, Y13, Y2; \
	VFMADD231PS Y9, Y15, Y5

// Point (y, x) is number 6y + x: a column takes every sixth.
#define OUTPUT_COLUMN(x) \
	LOAD6(R12); \
	OUTPUT_LINE; \
	KEEP4(x, Y0, Y1, Y2, Y5); \
	ADDQ R11, AX

#define OUTPUT_ROW(y) \
	FETCH6(y); \
	OUTPUT_LINE; \
	STORE4(R10, Y0, Y1, Y2, Y5); \
	ADDQ DX, AX

// func winoOutputAVX2(j *winoJob)
//
// R12 is 6 points.
TEXT ·winoOutputAVX2(SB), 0, $1184-8
	BEGIN
	LEAQ (R11)(R11*2), R12
	ADDQ R12, R12
	LOOPS
vector:
	MOVQ DI, AX
	OUTPUT_COLUMN(0)
	OUTPUT_COLUMN(1)
	OUTPUT_COLUMN(2)
	OUTPUT_COLUMN(3)
	OUTPUT_COLUMN(4)
	OUTPUT_COLUMN(5)
	MOVQ SI, AX
	OUTPUT_ROW(0)
	OUTPUT_ROW(1)
	OUTPUT_ROW(2)
	OUTPUT_ROW(3)
	NEXT

// GRAD_LINE: A y of Y0 to Y3, in Y0, Y8, Y4, Y9, Y5, Y3. Factors as those of OUTPUT_LINE.
#define GRAD_LINE \
	VMOVAPS Y0, Y4; \
	VFMADD231PS Y2, Y12, Y4; \
	VMOVAPS Y0, Y5; \
	VFMADD231PS Y2, Y13, Y5; \
	VMULPS Y1, Y10, Y6; \
	VFMADD231PS Y3, Y14, Y6; \
	VMULPS Y1, Y11, Y7; \
	VFMADD231PS Y3, Y15, Y7; \
	VADDPS Y6, Y4, Y8; \
	VSUBPS Y6, Y4, Y4; \
	VADDPS Y7, Y5, Y9; \
	VSUBPS Y7, Y5, Y5

#define GRAD_COLUMN(x) \
	LOAD4(DX); \
	GRAD_LINE; \
	KEEP6(x, Y0, Y8, Y4, Y9, Y5, Y3); \
	ADDQ R10, AX

#define GRAD_ROW(y) \
	FETCH4(y); \
	GRAD_LINE; \
	STORE6(R11, Y0, Y8, Y4, Y9, Y5, Y3); \
	LEAQ (R9)(R11*2), AX; \
	ADDQ R11, AX

// func winoGradAVX2(j *winoJob)
TEXT ·winoGradAVX2(SB), 0, $1184-8
	BEGIN
	LOOPS
vector:
	MOVQ SI, AX
	GRAD_COLUMN(0)
	GRAD_COLUMN(1)
	GRAD_COLUMN(2)
	GRAD_COLUMN(3)
	MOVQ DI, AX
	GRAD_ROW(0)
	GRAD_ROW(1)
	GRAD_ROW(2)
	GRAD_ROW(3)
	GRAD_ROW(4)
	GRAD_ROW(5)
	NEXT
