#include "go_asm.h"
#include "textflag.h"
#include "bf16_amd64.h"

// Products of pairs of bfloat16 with sums in float32.

#define ONE(address, factor, left, right, f, l, r) \
	VBROADCASTSS address, factor; \
	VDPBF16PS(16, f, l)

#define TWO(address, factor, left, right, f, l, r) \
	ONE(address, factor, left, right, f, l, r); \
	VDPBF16PS(17, f, r)

#include "kernel_gemm512_amd64.h"

// func multiplyBF16(j *gemmJob)
TEXT ·multiplyBF16(SB), NOSPLIT, $16-8
	MULTIPLY
