#include "go_asm.h"
#include "textflag.h"

// Sums by channel over an image: a row in float32, the rows in float64. Blocks of 8 channels go over rows and pixels with their
// sums in registers; pixels alternate between two sets of sums, so that the latency of an addition is hidden. Y0 is what is taken
// off; Y1 and Y3 are the sums s of a row, Y2 and Y4 the sums t; Y9 and Y10 are s over the rows, Y11 and Y12 t, channels 0 to 3
// and 4 to 7. AX is the offset in the row, BX its length, R12 the last offset with two pixels, DX and R13 the length of one and
// two pixels, CX rows left, SI the offset of the block, R15 the channels' end, R8 and R9 the rows of a and b.

#define LOAD_SUMS \
	MOVQ sums_a+0(DI), R8; \
	MOVQ sums_b+0(DI), R9; \
	MOVQ sums_rows(DI), CX; \
	MOVQ sums_aPitch(DI), R10; \
	SHLQ $2, R10; \
	MOVQ sums_bPitch(DI), R11; \
	SHLQ $2, R11; \
	MOVQ sums_n(DI), BX; \
	SHLQ $2, BX; \
	MOVQ BX, R12; \
	SUBQ DX, R12; \
	MOVQ sums_p+0(DI), AX; \
	VMOVUPS (AX)(SI*1), Y0; \
	MOVQ sums_s+0(DI), AX; \
	VMOVUPD (AX)(SI*2), Y9; \
	VMOVUPD 32(AX)(SI*2), Y10; \
	MOVQ sums_t+0(DI), AX; \
	VMOVUPD (AX)(SI*2), Y11; \
	VMOVUPD 32(AX)(SI*2), Y12

#define CLEAR_ROW \
	VXORPS Y1, Y1, Y1; \
	VXORPS Y2, Y2, Y2; \
	VXORPS Y3, Y3, Y3; \
	VXORPS Y4, Y4, Y4

// WIDEN adds the sums of a row, the floats f and g, to the doubles low and high; h is the lower half of f.
#define WIDEN(f, g, h, low, high) \
	VADDPS g, f, f; \
	VCVTPS2PD h, Y5; \
	VADDPD Y5, low, low; \
	VEXTRACTF128 $1, f, h; \
	VCVTPS2PD h, Y5; \
	VADDPD Y5, high, high

#define STORE_SUMS \
	MOVQ sums_s+0(DI), AX; \
	VMOVUPD Y9, (AX)(SI*2); \
	VMOVUPD Y10, 32(AX)(SI*2); \
	MOVQ sums_t+0(DI), AX; \
	VMOVUPD Y11, (AX)(SI*2); \
	VMOVUPD Y12, 32(AX)(SI*2)

// SUM_ROWS: OP(address of a, address of b, x, y, s, t) adds one vector.
#define SUM_ROWS(OP) \
	MOVQ j+0(FP), DI; \
	MOVQ sums_p+8(DI), R15; \
	SHLQ $2, R15; \
	MOVQ R15, DX; \
	LEAQ (DX)(DX*1), R13; \
	XORQ SI, SI; \
block: \
	LOAD_SUMS; \
row: \
	CLEAR_ROW; \
	MOVQ SI, AX; \
	CMPQ AX, R12; \
	JGE  last; \
pair: \
	OP(Y5, Y6, Y1, Y2); \
	ADDQ DX, AX; \
	OP(Y7, Y8, Y3, Y4); \
	ADDQ DX, AX; \
	CMPQ AX, R12; \
	JLT  pair; \
last: \
	CMPQ AX, BX; \
	JGE  next; \
	OP(Y5, Y6, Y1, Y2); \
next: \
	WIDEN(Y1, Y3, X1, Y9, Y10); \
	WIDEN(Y2, Y4, X2, Y11, Y12); \
	ADDQ R10, R8; \
	ADDQ R11, R9; \
	DECQ CX; \
	JNZ  row; \
	STORE_SUMS; \
	ADDQ $32, SI; \
	CMPQ SI, R15; \
	JLT  block; \
	VZEROUPPER; \
	RET

// DEVIATION adds a - p and its square.
#define DEVIATION(x, y, s, t) \
	VMOVUPS (R8)(AX*1), x; \
	VSUBPS Y0, x, x; \
	VADDPS x, s, s; \
	VFMADD231PS x, x, t

// PRODUCT adds a and a * (b - p).
#define PRODUCT(x, y, s, t) \
	VMOVUPS (R8)(AX*1), x; \
	VMOVUPS (R9)(AX*1), y; \
	VSUBPS Y0, y, y; \
	VADDPS x, s, s; \
	VFMADD231PS x, y, t

// func deviationsAVX2(j *sums)
TEXT ·deviationsAVX2(SB), NOSPLIT, $0-8
	SUM_ROWS(DEVIATION)

// func gradSumsAVX2(j *sums)
TEXT ·gradSumsAVX2(SB), NOSPLIT, $0-8
	SUM_ROWS(PRODUCT)

// func accumulateAVX2(dst, a *float32, n int)
//
// dst += a for n floats, a multiple of 8.
TEXT ·accumulateAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), R8
	MOVQ a+8(FP), R9
	MOVQ n+16(FP), CX
	XORQ AX, AX

loop:
	VMOVUPS (R8)(AX*4), Y0
	VADDPS (R9)(AX*4), Y0, Y0
	VMOVUPS Y0, (R8)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET

// func sgdAVX2(w, v, dw *float32, n int, lr, momentum, decay float32)
//
// v = momentum v + (g + decay w), w = w - lr v for n floats, a multiple of 8.
TEXT ·sgdAVX2(SB), NOSPLIT, $0-44
	MOVQ w+0(FP), R8
	MOVQ v+8(FP), R9
	MOVQ dw+16(FP), R10
	MOVQ n+24(FP), CX
	VBROADCASTSS lr+32(FP), Y0
	VBROADCASTSS momentum+36(FP), Y1
	VBROADCASTSS decay+40(FP), Y2
	XORQ AX, AX

loop:
	VMOVUPS (R8)(AX*4), Y3
	VMOVUPS (R10)(AX*4), Y4
	VFMADD231PS Y2, Y3, Y4
	VMOVUPS (R9)(AX*4), Y5
	VFMADD213PS Y4, Y1, Y5
	VMOVUPS Y5, (R9)(AX*4)
	VFNMADD231PS Y0, Y5, Y3
	VMOVUPS Y3, (R8)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT  loop
	VZEROUPPER
	RET
