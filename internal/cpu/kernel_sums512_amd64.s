#include "go_asm.h"
#include "textflag.h"
#include "kernel_sums512_amd64.h"

// DEVIATION adds a - p and its square.
#define DEVIATION(x, y, s, t) \
	VMOVUPS (R8)(AX*4), x; \
	VSUBPS Z0, x, x; \
	VADDPS x, s, s; \
	VFMADD231PS x, x, t

#define PRODUCT(x, y, s, t) \
	VMOVUPS (R8)(AX*4), x; \
	VMOVUPS (R9)(AX*4), y; \
	PRODUCT_OF(x, y, s, t)

// func deviationsAVX512(j *sums)
TEXT ·deviationsAVX512(SB), NOSPLIT, $0-8
	SUM_ROWS(DEVIATION, NOTHING, NOTHING)

// func gradSumsAVX512(j *sums)
TEXT ·gradSumsAVX512(SB), NOSPLIT, $0-8
	SUM_ROWS(PRODUCT, NOTHING, NOTHING)

// RELU_PRODUCT takes a where 0 < out as the gradient and writes it to dst.
#define RELU_PRODUCT_OF(x, y, s, t) \
	KEEP_POSITIVE(x, y); \
	VMOVUPS x, (R14)(AX*4); \
	VMOVUPS (R9)(AX*4), y; \
	PRODUCT_OF(x, y, s, t)

#define RELU_PRODUCT(x, y, s, t) \
	VMOVUPS (R8)(AX*4), x; \
	RELU_PRODUCT_OF(x, y, s, t)

#define RELU_SUM_PRODUCT(x, y, s, t) \
	VMOVUPS (R8)(AX*4), x; \
	VADDPS (R15)(AX*4), x, x; \
	RELU_PRODUCT_OF(x, y, s, t)

// func reluSumsAVX512(j *reluSums)
TEXT ·reluSumsAVX512(SB), NOSPLIT, $0-8
	VPXORQ Z13, Z13, Z13
	SUM_ROWS(RELU_PRODUCT, LOAD_RELU, NEXT_RELU)

// func reluSumsPlusAVX512(j *reluSums)
TEXT ·reluSumsPlusAVX512(SB), NOSPLIT, $0-8
	VPXORQ Z13, Z13, Z13
	SUM_ROWS(RELU_SUM_PRODUCT, LOAD_RELU, NEXT_RELU)
