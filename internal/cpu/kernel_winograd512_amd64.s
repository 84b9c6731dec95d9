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
