#include "go_asm.h"
#include "textflag.h"

// Windows of a pooling by maximum, 8 channels at a time. A number that is not larger, or not a number, leaves the maximum as it is: the
// pixel that came first stays the one.
//
// Registers: SI x, DX dx, DI the channels of y, R8 the offsets, R9 their number, BX channels done in bytes, R10 all of them, R11 the offset
// of a pixel, CX pixels left, AX the pixel.

#define LOAD \
	MOVQ j+0(FP), R15; \
	MOVQ poolWindow_x+0(R15), SI; \
	MOVQ poolWindow_y+0(R15), DI; \
	MOVQ poolWindow_y+8(R15), R10; \
	SHLQ $2, R10; \
	MOVQ poolWindow_at+0(R15), R8; \
	MOVQ poolWindow_at+8(R15), R9; \
	XORQ BX, BX

// PIXEL finds pixel AX in x.
#define PIXEL \
	MOVQ poolOffset_x(AX), R11; \
	LEAQ (SI)(R11*4), R11

#define NEXT_PIXEL \
	ADDQ $poolOffset__size, AX; \
	DECQ CX

// LARGEST leaves the largest pixel of 8 channels in Y0.
#define LARGEST \
	MOVQ R8, AX; \
	MOVQ R9, CX; \
	PIXEL; \
	VMOVUPS (R11)(BX*1), Y0; \
	JMP  next; \
more: \
	PIXEL; \
	VMOVUPS (R11)(BX*1), Y1; \
	VMAXPS Y0, Y1, Y0; \
next: \
	NEXT_PIXEL; \
	JNZ  more

// func maxWindowAVX2(j *poolWindow)
TEXT ·maxWindowAVX2(SB), NOSPLIT, $0-8
	LOAD

channels:
	LARGEST
	VMOVUPS Y0, (DI)(BX*1)
	ADDQ $32, BX
	CMPQ BX, R10
	JLT  channels
	VZEROUPPER
	RET

// func maxWindowGradAVX2(j *poolWindow)
//
// Y2 is the gradient of the channels whose pixel has not come yet.
TEXT ·maxWindowGradAVX2(SB), NOSPLIT, $0-8
	LOAD
	MOVQ poolWindow_dx+0(R15), DX

channels:
	LARGEST
	VMOVUPS (DI)(BX*1), Y2
	MOVQ R8, AX
	MOVQ R9, CX

add:
	PIXEL
	VMOVUPS (R11)(BX*1), Y1
	VCMPPS $0, Y0, Y1, Y1
	VANDPS Y2, Y1, Y3
	VANDNPS Y2, Y1, Y2
	MOVQ poolOffset_dx(AX), R11
	LEAQ (DX)(R11*4), R11
	VADDPS (R11)(BX*1), Y3, Y3
	VMOVUPS Y3, (R11)(BX*1)
	NEXT_PIXEL
	JNZ  add
	ADDQ $32, BX
	CMPQ BX, R10
	JLT  channels
	VZEROUPPER
	RET
