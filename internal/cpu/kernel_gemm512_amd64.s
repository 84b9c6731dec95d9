#include "go_asm.h"
#include "textflag.h"

// Products of float32. A lane sums what a lane of AVX2 sums, in the same order.

#define ONE(address, factor, left, right, f, l, r) \
	VBROADCASTSS address, factor; \
	VFMADD231PS Z16, factor, left

#define TWO(address, factor, left, right, f, l, r) \
	ONE(address, factor, left, right, f, l, r); \
	VFMADD231PS Z17, factor, right

#include "kernel_gemm512_amd64.h"

// func multiplyAVX512(j *gemmJob)
TEXT ·multiplyAVX512(SB), NOSPLIT, $16-8
	MULTIPLY
