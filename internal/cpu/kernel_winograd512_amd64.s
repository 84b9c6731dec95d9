#include "go_asm.h"
#include "textflag.h"

#define SIZE 64
#define SHIFT 6
#define V0 Z0
#define V1 Z1
#define V2 Z2
#define V3 Z3
#define V4 Z4
#define V5 Z5
#define V6 Z6
#define V7 Z7
#define V8 Z8
#define V9 Z9
#define V10 Z10
#define V11 Z11
#define V12 Z12
#define V13 Z13
#define V14 Z14
#define V15 Z15

#define FETCH_BELOW
#include "kernel_winograd_amd64.h"

// func winoInputAVX512(j *winoJob)
TEXT ·winoInputAVX512(SB), 0, $2368-8
	INPUT_IMAGE

// func winoOutputAVX512(j *winoJob)
TEXT ·winoOutputAVX512(SB), 0, $2368-8
	OUTPUT_IMAGE

// func winoGradAVX512(j *winoJob)
TEXT ·winoGradAVX512(SB), 0, $2368-8
	GRAD_IMAGE

// PREFETCHW at (AX)(DX*4) and (R9)(DX*4), which the assembler does not know.
#define PREFETCHW_AX \
	LONG $0x900c0d0f
#define PREFETCHW_R9 \
	BYTE $0x41; \
	LONG $0x910c0d0f

// An output that is not in the cache is fetched a row of tiles ahead, while there is work to do.
#undef FETCH_BELOW
#define FETCH_BELOW \
	PREFETCHW_AX; \
	PREFETCHW_R9; \
	ADDQ R10, AX; \
	ADDQ R10, R9; \
	PREFETCHW_AX; \
	PREFETCHW_R9; \
	SUBQ R10, AX

// func winoOutputFarAVX512(j *winoJob)
TEXT ·winoOutputFarAVX512(SB), 0, $2368-8
	OUTPUT_IMAGE
