#include "go_asm.h"
#include "textflag.h"

#define SIZE 32
#define SHIFT 5
#define V0 Y0
#define V1 Y1
#define V2 Y2
#define V3 Y3
#define V4 Y4
#define V5 Y5
#define V6 Y6
#define V7 Y7
#define V8 Y8
#define V9 Y9
#define V10 Y10
#define V11 Y11
#define V12 Y12
#define V13 Y13
#define V14 Y14
#define V15 Y15
#define FETCH_BELOW
#include "kernel_winograd_amd64.h"

// func winoInputAVX2(j *winoJob)
TEXT ·winoInputAVX2(SB), 0, $1184-8
	INPUT_IMAGE

// func winoOutputAVX2(j *winoJob)
TEXT ·winoOutputAVX2(SB), 0, $1184-8
	OUTPUT_IMAGE

// func winoGradAVX2(j *winoJob)
TEXT ·winoGradAVX2(SB), 0, $1184-8
	GRAD_IMAGE
