#include "go_asm.h"
#include "textflag.h"

// Weight gradients of float32. A lane sums what a lane of AVX2 sums, in the same order.

#define ROW(address, factor, sum, f, s) \
	VBROADCASTSS address, factor; \
	VFMADD231PS Z16, factor, sum

#include "kernel_block512_amd64.h"

// func winoBlockAVX512(j *winoBlockJob)
TEXT ·winoBlockAVX512(SB), NOSPLIT, $192-8
	BLOCK
