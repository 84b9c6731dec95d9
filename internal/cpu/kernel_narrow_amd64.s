#include "go_asm.h"
#include "textflag.h"
#include "bf16_amd64.h"
#include "kernel_rows_amd64.h"
#include "kernel_rows512_amd64.h"
#include "kernel_sums512_amd64.h"

// Passes that read values of images as they are kept, in two bytes: what they compute is what they compute of widened ones.

// AHEAD is how many bytes ahead memory is fetched, as in kernel_store_amd64.s.
#define AHEAD 4096

// FLOAT16 and BFLOAT16 widen 16 numbers at index AX from an address.
#define FLOAT16(from, to) \
	PREFETCHT0 AHEAD(from)(AX*2); \
	VCVTPH2PS (from)(AX*2), to

#define BFLOAT16(from, to) \
	PREFETCHT0 AHEAD(from)(AX*2); \
	VPMOVZXWD (from)(AX*2), to; \
	VPSLLD $16, to, to

#define NORMALIZE_ALONE \
	FLOAT16(R9, Z0); \
	NORMALIZE; \
	FINISH

#define NORMALIZE_PLUS \
	FLOAT16(R9, Z0); \
	NORMALIZE; \
	VADDPS (R10)(AX*4), Z0, Z0; \
	FINISH

#define NORMALIZE_PLUS_NARROW \
	FLOAT16(R9, Z0); \
	NORMALIZE; \
	FLOAT16(R10, Z1); \
	VADDPS Z1, Z0, Z0; \
	FINISH

// func normalizeNarrow(j *sweep)
TEXT ·normalizeNarrow(SB), NOSPLIT, $0-8
	LOAD_NORMALIZE
	EACH_VECTOR(NORMALIZE_ALONE)
	NEXT_ROW

// func normalizeNarrowPlus(j *sweep)
TEXT ·normalizeNarrowPlus(SB), NOSPLIT, $0-8
	LOAD_NORMALIZE
	EACH_VECTOR(NORMALIZE_PLUS)
	NEXT_ROW

// func normalizeNarrowPlusNarrow(j *sweep)
TEXT ·normalizeNarrowPlusNarrow(SB), NOSPLIT, $0-8
	LOAD_NORMALIZE
	EACH_VECTOR(NORMALIZE_PLUS_NARROW)
	NEXT_ROW

#define LOAD_GRADIENT BFLOAT16(R9, Z1)

#define COMBINE_NARROW \
	FLOAT16(R10, Z0); \
	COMBINE(LOAD_GRADIENT)

// func combineNarrow(j *sweep)
TEXT ·combineNarrow(SB), NOSPLIT, $0-8
	LOAD_COMBINE
	EACH_VECTOR(COMBINE_NARROW)
	NEXT_ROW

// RELU_PRODUCT_OF takes x where 0 < out as the gradient, and rounds it to dst after it is added.
#define RELU_PRODUCT_OF(x, y, s, t) \
	KEEP_POSITIVE(x, y); \
	FLOAT16(R9, y); \
	PRODUCT_OF(x, y, s, t); \
	PREFETCHT0 AHEAD(R14)(AX*2); \
	VMOVAPS x, Z6; \
	VCVTNEPS2BF16(6); \
	VMOVDQU Y6, (R14)(AX*2)

#define RELU_PRODUCT(x, y, s, t) \
	VMOVUPS (R8)(AX*4), x; \
	RELU_PRODUCT_OF(x, y, s, t)

#define RELU_SUM_PRODUCT(x, y, s, t) \
	VMOVUPS (R8)(AX*4), x; \
	VADDPS (R15)(AX*4), x, x; \
	RELU_PRODUCT_OF(x, y, s, t)

#define RELU_NARROW_SUM_PRODUCT(x, y, s, t) \
	BFLOAT16(R8, x); \
	VADDPS (R15)(AX*4), x, x; \
	RELU_PRODUCT_OF(x, y, s, t)

// func reluSumsNarrow(j *reluSums)
TEXT ·reluSumsNarrow(SB), NOSPLIT, $0-8
	RELU_ROWS(RELU_PRODUCT, NOTHING)

// func reluSumsNarrowPlus(j *reluSums)
TEXT ·reluSumsNarrowPlus(SB), NOSPLIT, $0-8
	RELU_ROWS(RELU_SUM_PRODUCT, NOTHING)

// func reluSumsNarrowSum(j *reluSums)
TEXT ·reluSumsNarrowSum(SB), NOSPLIT, $0-8
	RELU_ROWS(RELU_NARROW_SUM_PRODUCT, NOTHING)
