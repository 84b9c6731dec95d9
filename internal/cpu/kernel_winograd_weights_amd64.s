#include "go_asm.h"
#include "textflag.h"

// The transforms between windows of 3x3 weights and their 36 points, 8 output channels at a time, and the sums over tiles
// that make the points of a gradient.

#define LOAD_FACTORS(job) \
	VBROADCASTSS job+0(R15), Y9; \
	VBROADCASTSS job+4(R15), Y10; \
	VBROADCASTSS job+8(R15), Y11; \
	VBROADCASTSS job+12(R15), Y12; \
	VBROADCASTSS job+16(R15), Y13; \
	VBROADCASTSS job+20(R15), Y14; \
	VBROADCASTSS job+24(R15), Y15

// WEIGHT_LINE: G g of Y0, Y1, Y2, in Y3, Y4, Y5, Y6, Y7, Y2.
#define WEIGHT_LINE \
	VMULPS Y9, Y0, Y3; \
	VMULPS Y10, Y0, Y5; \
	VMULPS Y11, Y0, Y7; \
	VFMADD231PS Y14, Y2, Y5; \
	VFMADD231PS Y15, Y2, Y7; \
	VMOVAPS Y5, Y4; \
	VMOVAPS Y7, Y6; \
	VFMADD231PS Y12, Y1, Y4; \
	VFNMADD231PS Y12, Y1, Y5; \
	VFMADD231PS Y13, Y1, Y6; \
	VFNMADD231PS Y13, Y1, Y7

// Column x of the half-transformed block is 32 bytes wide, a row 96 bytes long.
#define WEIGHT_COLUMN(x) \
	VMOVUPS (AX), Y0; \
	VMOVUPS (AX)(BX*1), Y1; \
	VMOVUPS (AX)(BX*2), Y2; \
	WEIGHT_LINE; \
	VMOVUPS Y3, (32*x)(R14); \
	VMOVUPS Y4, (32*x+96)(R14); \
	VMOVUPS Y5, (32*x+192)(R14); \
	VMOVUPS Y6, (32*x+288)(R14); \
	VMOVUPS Y7, (32*x+384)(R14); \
	VMOVUPS Y2, (32*x+480)(R14); \
	ADDQ R10, AX

#define WEIGHT_ROW(y) \
	VMOVUPS (96*y)(R14), Y0; \
	VMOVUPS (96*y+32)(R14), Y1; \
	VMOVUPS (96*y+64)(R14), Y2; \
	WEIGHT_LINE; \
	LEAQ (AX)(R12*1), R9; \
	VMOVUPS Y3, (AX); \
	VMOVUPS Y4, (AX)(R11*1); \
	VMOVUPS Y5, (AX)(R11*2); \
	VMOVUPS Y6, (R9); \
	VMOVUPS Y7, (R9)(R11*1); \
	VMOVUPS Y2, (R9)(R11*2); \
	LEAQ (R9)(R12*1), AX

// func winoWeightsAVX2(j *winoWeightJob)
//
// Loops: panels, vectors of [C][16]. Registers: SI the window's first weight, R10 the way to the next weight, BX to that
// below, DI the first point, R11 the way to the next, R12 to the third next, R14 the block on the stack, CX vectors left in
// the panel, DX vectors in a panel, R13 panels left, R15 the job; AX and R9 are addresses of lines.
TEXT ·winoWeightsAVX2(SB), NOSPLIT, $576-8
	MOVQ j+0(FP), R15
	LEAQ 0(SP), R14
	LOAD_FACTORS(winoWeightJob_factors)
	MOVQ winoWeightJob_panels+0(R15), SI
	MOVQ winoWeightJob_points+0(R15), DI
	MOVQ winoWeightJob_tap(R15), R10
	MOVQ R10, DX
	SHRQ $3, DX
	SHLQ $2, R10
	LEAQ (R10)(R10*2), BX
	MOVQ winoWeightJob_stride(R15), R11
	SHLQ $2, R11
	LEAQ (R11)(R11*2), R12
	MOVQ winoWeightJob_count(R15), R13

panel:
	MOVQ DX, CX

vector:
	MOVQ SI, AX
	WEIGHT_COLUMN(0)
	WEIGHT_COLUMN(1)
	WEIGHT_COLUMN(2)
	MOVQ DI, AX
	WEIGHT_ROW(0)
	WEIGHT_ROW(1)
	WEIGHT_ROW(2)
	WEIGHT_ROW(3)
	WEIGHT_ROW(4)
	WEIGHT_ROW(5)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  vector
	LEAQ (SI)(R10*8), SI // over the other 8 weights of the windows
	DECQ R13
	JNZ  panel
	VZEROUPPER
	RET

#define ROW(address, factor, left, right) \
	VBROADCASTSS address, factor; \
	VFMADD231PS Y12, factor, left; \
	VFMADD231PS Y13, factor, right

#define TILE4 \
	VMOVUPS (R9), Y12; \
	VMOVUPS 32(R9), Y13; \
	ROW(0(R8), Y14, Y0, Y1); \
	ROW(4(R8), Y15, Y2, Y3); \
	ROW(8(R8), Y14, Y4, Y5); \
	ROW(12(R8), Y15, Y6, Y7)

#define CLEAR4 \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	VXORPS Y2, Y2, Y2; \
	VXORPS Y3, Y3, Y3; \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7

#define KEEP4 \
	VMOVUPS Y0, (DI); \
	VMOVUPS Y1, 32(DI); \
	VMOVUPS Y2, 64(DI); \
	VMOVUPS Y3, 96(DI); \
	VMOVUPS Y4, 128(DI); \
	VMOVUPS Y5, 160(DI); \
	VMOVUPS Y6, 192(DI); \
	VMOVUPS Y7, 224(DI)

// FOLD_LINE: G^T s of Y0 to Y5, in Y0, Y1, Y5.
#define FOLD_LINE \
	VADDPS Y2, Y1, Y6; \
	VSUBPS Y2, Y1, Y1; \
	VADDPS Y4, Y3, Y7; \
	VSUBPS Y4, Y3, Y3; \
	VMULPS Y9, Y0, Y0; \
	VMULPS Y12, Y1, Y1; \
	VFMADD231PS Y14, Y6, Y5; \
	VFMADD231PS Y10, Y6, Y0; \
	VFMADD231PS Y13, Y3, Y1; \
	VFMADD231PS Y15, Y7, Y5; \
	VFMADD231PS Y11, Y7, Y0

// Points of the block are 384 bytes apart; the half-folded rows y lie behind them, 192 bytes apart.
#define FOLD_COLUMN(x) \
	VMOVUPS (384*x)(SI), Y0; \
	VMOVUPS (384*x+2304)(SI), Y1; \
	VMOVUPS (384*x+4608)(SI), Y2; \
	VMOVUPS (384*x+6912)(SI), Y3; \
	VMOVUPS (384*x+9216)(SI), Y4; \
	VMOVUPS (384*x+11520)(SI), Y5; \
	FOLD_LINE; \
	VMOVUPS Y0, (32*x)(R14); \
	VMOVUPS Y1, (32*x+192)(R14); \
	VMOVUPS Y5, (32*x+384)(R14)

#define FOLD_ROW(y) \
	VMOVUPS (192*y)(R14), Y0; \
	VMOVUPS (192*y+32)(R14), Y1; \
	VMOVUPS (192*y+64)(R14), Y2; \
	VMOVUPS (192*y+96)(R14), Y3; \
	VMOVUPS (192*y+128)(R14), Y4; \
	VMOVUPS (192*y+160)(R14), Y5; \
	FOLD_LINE; \
	VADDPS (AX), Y0, Y0; \
	VADDPS (AX)(R10*1), Y1, Y1; \
	VADDPS (AX)(R10*2), Y5, Y5; \
	VMOVUPS Y0, (AX); \
	VMOVUPS Y1, (AX)(R10*1); \
	VMOVUPS Y5, (AX)(R10*2); \
	ADDQ R11, AX

// func winoBlockAVX2(j *winoBlockJob)
//
// First, the sums: points, tiles; 6 or 4 input channels by 16 output channels in Y0 to Y11, as in the direct gradient.
// Registers: SI and DX x and dy at the point, R8 and R9 at the tile, R10 and R11 the way to the next tile, R12 and R13 to the
// next point, DI the block, AX tiles left, BX rows, CX points left, R15 the job. Then each vector of the block is folded:
// SI the vector, DI its place in the sums, R10 and R11 the way to the next weight and the one below, R14 the half-folded
// rows, CX vectors left.
TEXT ·winoBlockAVX2(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), R15
	MOVQ winoBlockJob_x+0(R15), SI
	MOVQ winoBlockJob_dy+0(R15), DX
	MOVQ winoBlockJob_block+0(R15), DI
	MOVQ winoBlockJob_xStep(R15), R10
	SHLQ $2, R10
	MOVQ winoBlockJob_dyStep(R15), R11
	SHLQ $2, R11
	MOVQ winoBlockJob_xStride(R15), R12
	SHLQ $2, R12
	MOVQ winoBlockJob_dyStride(R15), R13
	SHLQ $2, R13
	MOVQ winoBlockJob_rows(R15), BX
	MOVQ $36, CX

point:
	MOVQ SI, R8
	MOVQ DX, R9
	MOVQ winoBlockJob_tiles(R15), AX
	CLEAR4
	CMPQ BX, $6
	JNE  tile4
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11

tile6:
	TILE4
	ROW(16(R8), Y14, Y8, Y9)
	ROW(20(R8), Y15, Y10, Y11)
	ADDQ R10, R8
	ADDQ R11, R9
	DECQ AX
	JNZ  tile6
	VMOVUPS Y8, 256(DI)
	VMOVUPS Y9, 288(DI)
	VMOVUPS Y10, 320(DI)
	VMOVUPS Y11, 352(DI)
	JMP  keep

tile4:
	TILE4
	ADDQ R10, R8
	ADDQ R11, R9
	DECQ AX
	JNZ  tile4

keep:
	KEEP4
	ADDQ $384, DI
	ADDQ R12, SI
	ADDQ R13, DX
	DECQ CX
	JNZ  point

	LOAD_FACTORS(winoBlockJob_factors)
	MOVQ DI, R14
	MOVQ winoBlockJob_block+0(R15), SI
	MOVQ winoBlockJob_sum+0(R15), DI
	MOVQ winoBlockJob_tap(R15), R10
	SHLQ $2, R10
	LEAQ (R10)(R10*2), R11
	LEAQ (BX)(BX*1), CX

fold:
	FOLD_COLUMN(0)
	FOLD_COLUMN(1)
	FOLD_COLUMN(2)
	FOLD_COLUMN(3)
	FOLD_COLUMN(4)
	FOLD_COLUMN(5)
	MOVQ DI, AX
	FOLD_ROW(0)
	FOLD_ROW(1)
	FOLD_ROW(2)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  fold
	VZEROUPPER
	RET
