#include "go_asm.h"
#include "textflag.h"
#include "kernel_rows_amd64.h"
#include "kernel_rows512_amd64.h"

// Passes over rows of floats with AVX-512. A lane does what a lane of AVX2 does, in the same order.

#define NORMALIZE_ALONE \
	VMOVUPS (R9)(AX*4), Z0; \
	NORMALIZE; \
	FINISH

#define NORMALIZE_PLUS \
	VMOVUPS (R9)(AX*4), Z0; \
	NORMALIZE; \
	VADDPS (R10)(AX*4), Z0, Z0; \
	FINISH

// func normalizeAVX512(j *sweep)
TEXT ·normalizeAVX512(SB), NOSPLIT, $0-8
	LOAD_NORMALIZE
	EACH_VECTOR(NORMALIZE_ALONE)
	NEXT_ROW

// func normalizePlusAVX512(j *sweep)
TEXT ·normalizePlusAVX512(SB), NOSPLIT, $0-8
	LOAD_NORMALIZE
	EACH_VECTOR(NORMALIZE_PLUS)
	NEXT_ROW

#define LOAD_GRADIENT VMOVUPS (R9)(AX*4), Z1

#define COMBINE_FLOATS \
	VMOVUPS (R10)(AX*4), Z0; \
	COMBINE(LOAD_GRADIENT)

// func combineAVX512(j *sweep)
TEXT ·combineAVX512(SB), NOSPLIT, $0-8
	LOAD_COMBINE
	EACH_VECTOR(COMBINE_FLOATS)
	NEXT_ROW
