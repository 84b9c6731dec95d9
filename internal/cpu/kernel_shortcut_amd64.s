#include "go_asm.h"
#include "textflag.h"

// LOAD_HALVING puts the rows of the small and the big image into R8, R9 and R10, the lengths of their pixels in bytes into R11 and R12, the
// length of the channels that both have into BX, pixels of the small one into CX, and a quarter into Y15.
#define LOAD_HALVING \
	MOVQ j+0(FP), DI; \
	MOVQ halvingRow_small+0(DI), R8; \
	MOVQ halvingRow_upper+0(DI), R9; \
	MOVQ halvingRow_lower+0(DI), R10; \
	MOVQ halvingRow_smallPixel(DI), R11; \
	MOVQ halvingRow_bigPixel(DI), R12; \
	SHLQ $2, R11; \
	SHLQ $2, R12; \
	MOVQ halvingRow_channels(DI), BX; \
	SHLQ $2, BX; \
	MOVQ halvingRow_pixels(DI), CX; \
	MOVL $0x3e800000, AX; \
	MOVQ AX, X15; \
	VBROADCASTSS X15, Y15

// EACH_PIXEL is a row of the small image: AX is the offset in a pixel, R13 and R14 are the right pixels of the big one.
#define EACH_PIXEL(OP) \
pixel: \
	LEAQ (R9)(R12*1), R13; \
	LEAQ (R10)(R12*1), R14; \
	XORQ AX, AX; \
vector: \
	OP; \
	ADDQ $32, AX; \
	CMPQ AX, BX; \
	JLT  vector; \
	ADDQ R11, R8; \
	LEAQ (R9)(R12*2), R9; \
	LEAQ (R10)(R12*2), R10; \
	DECQ CX; \
	JNZ  pixel; \
	VZEROUPPER; \
	RET

#define AVERAGE \
	VMOVUPS (R9)(AX*1), Y0; \
	VADDPS (R13)(AX*1), Y0, Y0; \
	VMOVUPS (R10)(AX*1), Y1; \
	VADDPS (R14)(AX*1), Y1, Y1; \
	VADDPS Y1, Y0, Y0; \
	VMULPS Y15, Y0, Y0; \
	VMOVUPS Y0, (R8)(AX*1)

// func averageRowAVX2(j *halvingRow)
TEXT ·averageRowAVX2(SB), NOSPLIT, $0-8
	LOAD_HALVING
	EACH_PIXEL(AVERAGE)

#define SPREAD \
	VMULPS (R8)(AX*1), Y15, Y0; \
	VMOVUPS Y0, (R9)(AX*1); \
	VMOVUPS Y0, (R13)(AX*1); \
	VMOVUPS Y0, (R10)(AX*1); \
	VMOVUPS Y0, (R14)(AX*1)

// func spreadRowAVX2(j *halvingRow)
TEXT ·spreadRowAVX2(SB), NOSPLIT, $0-8
	LOAD_HALVING
	EACH_PIXEL(SPREAD)
