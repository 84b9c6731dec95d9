// Sums by channel over an image with AVX-512, as those of kernel_sums_amd64.s: blocks of 16 channels, pixels that alternate between two
// sets of sums, a row in float32, the rows in float64. Z0 is what is taken off; Z1 and Z3 are the sums s of a row, Z2 and Z4 the sums t;
// Z9 and Z10 are s over the rows, Z11 and Z12 t. AX is the index in the row, BX its length, R12 the last index with two pixels, DX
// the length of a pixel, CX rows left, SI the first channel of the block, R8 and R9 the rows of a and b, R10 and R11 their pitches.

// LOAD_SUMS loads what both jobs have; their fields lie alike.
#define LOAD_SUMS \
	MOVQ sums_a+0(DI), R8; \
	MOVQ sums_b+0(DI), R9; \
	MOVQ sums_rows(DI), CX; \
	MOVQ sums_aPitch(DI), R10; \
	SHLQ $2, R10; \
	MOVQ sums_bPitch(DI), R11; \
	SHLQ $2, R11; \
	MOVQ sums_n(DI), BX; \
	MOVQ BX, R12; \
	SUBQ DX, R12; \
	MOVQ sums_p+0(DI), AX; \
	VMOVUPS (AX)(SI*4), Z0; \
	MOVQ sums_s+0(DI), AX; \
	VMOVUPD (AX)(SI*8), Z9; \
	VMOVUPD 64(AX)(SI*8), Z10; \
	MOVQ sums_t+0(DI), AX; \
	VMOVUPD (AX)(SI*8), Z11; \
	VMOVUPD 64(AX)(SI*8), Z12

#define CLEAR_ROW \
	VPXORQ Z1, Z1, Z1; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Z3, Z3, Z3; \
	VPXORQ Z4, Z4, Z4

// WIDEN adds the sums of a row, the floats f and g, to the doubles low and high; h is the lower half of f.
#define WIDEN(f, g, h, low, high) \
	VADDPS g, f, f; \
	VCVTPS2PD h, Z5; \
	VADDPD Z5, low, low; \
	VEXTRACTF64X4 $1, f, h; \
	VCVTPS2PD h, Z5; \
	VADDPD Z5, high, high

#define STORE_SUMS \
	MOVQ sums_s+0(DI), AX; \
	VMOVUPD Z9, (AX)(SI*8); \
	VMOVUPD Z10, 64(AX)(SI*8); \
	MOVQ sums_t+0(DI), AX; \
	VMOVUPD Z11, (AX)(SI*8); \
	VMOVUPD Z12, 64(AX)(SI*8)

// SUM_ROWS: OP(x, y, s, t) adds one vector; LOAD and NEXT are for rows that it needs besides, END is done at the end.
#define SUM_ROWS(OP, LOAD, NEXT, END) \
	MOVQ j+0(FP), DI; \
	MOVQ sums_p+8(DI), DX; \
	XORQ SI, SI; \
block: \
	LOAD_SUMS; \
	LOAD; \
row: \
	CLEAR_ROW; \
	MOVQ SI, AX; \
	CMPQ AX, R12; \
	JGE  last; \
pair: \
	OP(Z5, Z6, Z1, Z2); \
	ADDQ DX, AX; \
	OP(Z7, Z8, Z3, Z4); \
	ADDQ DX, AX; \
	CMPQ AX, R12; \
	JLT  pair; \
last: \
	CMPQ AX, BX; \
	JGE  next; \
	OP(Z5, Z6, Z1, Z2); \
next: \
	WIDEN(Z1, Z3, Y1, Z9, Z10); \
	WIDEN(Z2, Z4, Y2, Z11, Z12); \
	ADDQ R10, R8; \
	ADDQ R11, R9; \
	NEXT; \
	DECQ CX; \
	JNZ  row; \
	STORE_SUMS; \
	ADDQ $16, SI; \
	CMPQ SI, DX; \
	JLT  block; \
	END; \
	VZEROUPPER; \
	RET

#define NOTHING

// PRODUCT_OF adds the gradient x and x * (y - p).
#define PRODUCT_OF(x, y, s, t) \
	VSUBPS Z0, y, y; \
	VADDPS x, s, s; \
	VFMADD231PS x, y, t

// Of a reluSums, R13 is the row of out, R14 that of dst, R15 that of plus; their pitches are added from memory.
#define LOAD_RELU \
	MOVQ reluSums_out+0(DI), R13; \
	MOVQ reluSums_dst+0(DI), R14; \
	MOVQ reluSums_plus+0(DI), R15

#define NEXT_RELU \
	ADDQ reluSums_outPitch(DI), R13; \
	ADDQ reluSums_dstPitch(DI), R14; \
	ADDQ reluSums_plusPitch(DI), R15

// KEEP_POSITIVE makes x 0 where out is not positive; y is free.
#define KEEP_POSITIVE(x, y) \
	VMOVUPS (R13)(AX*4), y; \
	VCMPPS $0x1e, Z13, y, K1; \
	VMOVAPS.Z x, K1, x

// RELU_ROWS is SUM_ROWS for a reluSums.
#define RELU_ROWS(OP, END) \
	VPXORQ Z13, Z13, Z13; \
	SUM_ROWS(OP, LOAD_RELU, NEXT_RELU, END)
