// The sums over tiles that make the points of a weight gradient, with AVX-512: blocks of 8 input channels by 16 output channels. The
// file that includes this gives ROW, which multiplies the four bytes of x at an address by Z16 and adds them to a sum; it gets the
// registers by name and by number.

// FOLD_LINE: G^T s of Z0 to Z5, in Z0, Z1, Z5.
#define FOLD_LINE \
	VADDPS Z2, Z1, Z6; \
	VSUBPS Z2, Z1, Z1; \
	VADDPS Z4, Z3, Z7; \
	VSUBPS Z4, Z3, Z3; \
	VMULPS Z9, Z0, Z0; \
	VMULPS Z12, Z1, Z1; \
	VFMADD231PS Z14, Z6, Z5; \
	VFMADD231PS Z10, Z6, Z0; \
	VFMADD231PS Z13, Z3, Z1; \
	VFMADD231PS Z15, Z7, Z5; \
	VFMADD231PS Z11, Z7, Z0

// Points of the block are 512 bytes apart. The half-folded columns stay in registers, but for the last one.
#define FOLD_COLUMN(x, a, b, c) \
	VMOVUPS (512*x)(SI), Z0; \
	VMOVUPS (512*(x+6))(SI), Z1; \
	VMOVUPS (512*(x+12))(SI), Z2; \
	VMOVUPS (512*(x+18))(SI), Z3; \
	VMOVUPS (512*(x+24))(SI), Z4; \
	VMOVUPS (512*(x+30))(SI), Z5; \
	FOLD_LINE; \
	VMOVAPS Z0, a; \
	VMOVAPS Z1, b; \
	VMOVAPS Z5, c

#define FOLD_ROW(p, q, r, s, t, last) \
	VMOVAPS p, Z0; \
	VMOVAPS q, Z1; \
	VMOVAPS r, Z2; \
	VMOVAPS s, Z3; \
	VMOVAPS t, Z4; \
	VMOVUPS last, Z5; \
	FOLD_LINE; \
	VADDPS (AX), Z0, Z0; \
	VADDPS (AX)(R10*1), Z1, Z1; \
	VADDPS (AX)(R10*2), Z5, Z5; \
	VMOVUPS Z0, (AX); \
	VMOVUPS Z1, (AX)(R10*1); \
	VMOVUPS Z5, (AX)(R10*2); \
	ADDQ R11, AX

// BLOCK is the body of a block. Registers as those of winoBlockAVX2; a row of the block is one vector.
#define BLOCK \
	MOVQ j+0(FP), R15; \
	MOVQ winoBlockJob_x+0(R15), SI; \
	MOVQ winoBlockJob_dy+0(R15), DX; \
	MOVQ winoBlockJob_block+0(R15), DI; \
	MOVQ winoBlockJob_xStep(R15), R10; \
	SHLQ $2, R10; \
	MOVQ winoBlockJob_dyStep(R15), R11; \
	SHLQ $2, R11; \
	MOVQ winoBlockJob_xStride(R15), R12; \
	SHLQ $2, R12; \
	MOVQ winoBlockJob_dyStride(R15), R13; \
	SHLQ $2, R13; \
	MOVQ $36, CX; \
point: \
	MOVQ SI, R8; \
	MOVQ DX, R9; \
	MOVQ winoBlockJob_tiles(R15), AX; \
	VPXORQ Z0, Z0, Z0; \
	VPXORQ Z1, Z1, Z1; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Z3, Z3, Z3; \
	VPXORQ Z4, Z4, Z4; \
	VPXORQ Z5, Z5, Z5; \
	VPXORQ Z6, Z6, Z6; \
	VPXORQ Z7, Z7, Z7; \
tile: \
	VMOVUPS (R9), Z16; \
	ROW((4*0)(R8), Z17, Z0, 17, 0); \
	ROW((4*1)(R8), Z18, Z1, 18, 1); \
	ROW((4*2)(R8), Z19, Z2, 19, 2); \
	ROW((4*3)(R8), Z20, Z3, 20, 3); \
	ROW((4*4)(R8), Z21, Z4, 21, 4); \
	ROW((4*5)(R8), Z22, Z5, 22, 5); \
	ROW((4*6)(R8), Z23, Z6, 23, 6); \
	ROW((4*7)(R8), Z24, Z7, 24, 7); \
	ADDQ R10, R8; \
	ADDQ R11, R9; \
	DECQ AX; \
	JNZ  tile; \
	VMOVUPS Z0, (DI); \
	VMOVUPS Z1, 64(DI); \
	VMOVUPS Z2, 128(DI); \
	VMOVUPS Z3, 192(DI); \
	VMOVUPS Z4, 256(DI); \
	VMOVUPS Z5, 320(DI); \
	VMOVUPS Z6, 384(DI); \
	VMOVUPS Z7, 448(DI); \
	ADDQ $512, DI; \
	ADDQ R12, SI; \
	ADDQ R13, DX; \
	DECQ CX; \
	JNZ  point; \
	VBROADCASTSS winoBlockJob_factors+0(R15), Z9; \
	VBROADCASTSS winoBlockJob_factors+4(R15), Z10; \
	VBROADCASTSS winoBlockJob_factors+8(R15), Z11; \
	VBROADCASTSS winoBlockJob_factors+12(R15), Z12; \
	VBROADCASTSS winoBlockJob_factors+16(R15), Z13; \
	VBROADCASTSS winoBlockJob_factors+20(R15), Z14; \
	VBROADCASTSS winoBlockJob_factors+24(R15), Z15; \
	MOVQ winoBlockJob_block+0(R15), SI; \
	MOVQ winoBlockJob_sum+0(R15), DI; \
	MOVQ winoBlockJob_tap(R15), R10; \
	SHLQ $2, R10; \
	LEAQ (R10)(R10*2), R11; \
	MOVQ $8, CX; \
fold: \
	FOLD_COLUMN(0, Z16, Z17, Z18); \
	FOLD_COLUMN(1, Z19, Z20, Z21); \
	FOLD_COLUMN(2, Z22, Z23, Z24); \
	FOLD_COLUMN(3, Z25, Z26, Z27); \
	FOLD_COLUMN(4, Z28, Z29, Z30); \
	VMOVUPS 2560(SI), Z0; \
	VMOVUPS 5632(SI), Z1; \
	VMOVUPS 8704(SI), Z2; \
	VMOVUPS 11776(SI), Z3; \
	VMOVUPS 14848(SI), Z4; \
	VMOVUPS 17920(SI), Z5; \
	FOLD_LINE; \
	VMOVUPS Z0, half-192(SP); \
	VMOVUPS Z1, half-128(SP); \
	VMOVUPS Z5, half-64(SP); \
	MOVQ DI, AX; \
	FOLD_ROW(Z16, Z19, Z22, Z25, Z28, half-192(SP)); \
	FOLD_ROW(Z17, Z20, Z23, Z26, Z29, half-128(SP)); \
	FOLD_ROW(Z18, Z21, Z24, Z27, Z30, half-64(SP)); \
	ADDQ $64, SI; \
	ADDQ $64, DI; \
	DECQ CX; \
	JNZ  fold; \
	VZEROUPPER; \
	RET
