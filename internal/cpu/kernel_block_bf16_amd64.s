#include "go_asm.h"
#include "textflag.h"
#include "bf16_amd64.h"

// Weight gradients of pairs of bfloat16, which are two tiles each, with sums in float32.

#define ROW(address, factor, sum, f, s) \
	VBROADCASTSS address, factor; \
	VDPBF16PS(16, f, s)

#include "kernel_block512_amd64.h"

// func winoBlockBF16(j *winoBlockJob)
TEXT ·winoBlockBF16(SB), NOSPLIT, $192-8
	BLOCK
