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
	SUM_ROWS(DEVIATION, NOTHING, NOTHING, NOTHING)

// func gradSumsAVX512(j *sums)
TEXT ·gradSumsAVX512(SB), NOSPLIT, $0-8
	SUM_ROWS(PRODUCT, NOTHING, NOTHING, NOTHING)

// RELU_PRODUCT_OF takes x where 0 < out as the gradient and writes it to dst.
#define RELU_PRODUCT_OF(x, y, s, t, STORE) \
	KEEP_POSITIVE(x, y); \
	STORE x, (R14)(AX*4); \
	VMOVUPS (R9)(AX*4), y; \
	PRODUCT_OF(x, y, s, t)

#define LOAD_ALONE(x) \
	VMOVUPS (R8)(AX*4), x

#define LOAD_PLUS(x) \
	VMOVUPS (R8)(AX*4), x; \
	VADDPS (R15)(AX*4), x, x

#define RELU_PRODUCT(x, y, s, t) \
	LOAD_ALONE(x); \
	RELU_PRODUCT_OF(x, y, s, t, VMOVUPS)

#define RELU_SUM_PRODUCT(x, y, s, t) \
	LOAD_PLUS(x); \
	RELU_PRODUCT_OF(x, y, s, t, VMOVUPS)

// Stores past the caches save reading what they overwrite; the fence at the end makes them visible to other threads.
#define RELU_PRODUCT_FAR(x, y, s, t) \
	LOAD_ALONE(x); \
	RELU_PRODUCT_OF(x, y, s, t, VMOVNTPS)

#define RELU_SUM_PRODUCT_FAR(x, y, s, t) \
	LOAD_PLUS(x); \
	RELU_PRODUCT_OF(x, y, s, t, VMOVNTPS)

// func reluSumsAVX512(j *reluSums)
TEXT ·reluSumsAVX512(SB), NOSPLIT, $0-8
	RELU_ROWS(RELU_PRODUCT, NOTHING)

// func reluSumsPlusAVX512(j *reluSums)
TEXT ·reluSumsPlusAVX512(SB), NOSPLIT, $0-8
	RELU_ROWS(RELU_SUM_PRODUCT, NOTHING)

// func reluSumsFarAVX512(j *reluSums)
TEXT ·reluSumsFarAVX512(SB), NOSPLIT, $0-8
	RELU_ROWS(RELU_PRODUCT_FAR, SFENCE)

// func reluSumsPlusFarAVX512(j *reluSums)
TEXT ·reluSumsPlusFarAVX512(SB), NOSPLIT, $0-8
	RELU_ROWS(RELU_SUM_PRODUCT_FAR, SFENCE)
