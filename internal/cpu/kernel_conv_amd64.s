#include "go_asm.h"
#include "textflag.h"
#include "kernel_conv_amd64.h"

// The two micro-kernels of the direct convolutions. A tile has 6 rows of 16 floats: its 12 sums lie in Y0 to Y11, row i in
// Y(2i) and Y(2i+1). A step multiplies 16 floats (Y12, Y13) by one float of each row, broadcast to Y14 and Y15 in turn: 8
// loads and 12 fused multiply-adds, so that the two multipliers are the bottleneck, with 6 steps in flight.

#define CLEAR_SUMS \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	VXORPS Y2, Y2, Y2; \
	VXORPS Y3, Y3, Y3; \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7; \
	VXORPS Y8, Y8, Y8; \
	VXORPS Y9, Y9, Y9; \
	VXORPS Y10, Y10, Y10; \
	VXORPS Y11, Y11, Y11

#define ROW(address, factor, left, right) \
	VBROADCASTSS address, factor; \
	VFMADD231PS Y12, factor, left; \
	VFMADD231PS Y13, factor, right

// CONV_STEP is step i of the unrolled loop over a row of a window.
#define CONV_STEP(i) \
	VMOVUPS (64*i)(SI), Y12; \
	VMOVUPS (64*i+32)(SI), Y13; \
	ROW((4*i)(R8)(AX*1), Y14, Y0, Y1); \
	ROW((4*i)(R9)(AX*1), Y15, Y2, Y3); \
	ROW((4*i)(R10)(AX*1), Y14, Y4, Y5); \
	ROW((4*i)(R11)(AX*1), Y15, Y6, Y7); \
	ROW((4*i)(R12)(AX*1), Y14, Y8, Y9); \
	ROW((4*i)(R13)(AX*1), Y15, Y10, Y11)

// PUT_LEFT writes the first 8 channels of pixel i, PUT both halves.
#define PUT_LEFT(i, left) \
	MOVLQSX (8*i+4)(R14), AX; \
	VMOVUPS left, (DX)(AX*4)

#define PUT(i, left, right) \
	PUT_LEFT(i, left); \
	VMOVUPS right, 32(DX)(AX*4)

// func tilesAVX2(j *tileJob)
TEXT ·tilesAVX2(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), DI
	LOAD_TILES
	SUM_TILE(CLEAR_SUMS)
	MOVQ tileJob_width(DI), CX
	CMPQ CX, $16
	JNE  putLeft
	PUT(0, Y0, Y1)
	PUT(1, Y2, Y3)
	PUT(2, Y4, Y5)
	PUT(3, Y6, Y7)
	PUT(4, Y8, Y9)
	PUT(5, Y10, Y11)
	JMP  next

putLeft:
	PUT_LEFT(0, Y0)
	PUT_LEFT(1, Y2)
	PUT_LEFT(2, Y4)
	PUT_LEFT(3, Y6)
	PUT_LEFT(4, Y8)
	PUT_LEFT(5, Y10)

next:
	ADDQ $48, R14
	DECQ R15
	JNZ  tile
	VZEROUPPER
	RET

// GRAD_STEP is one pixel: 6 neighbouring floats of x.
#define GRAD_STEP \
	ROW(0(R8), Y14, Y0, Y1); \
	ROW(4(R8), Y15, Y2, Y3); \
	ROW(8(R8), Y14, Y4, Y5); \
	ROW(12(R8), Y15, Y6, Y7); \
	ROW(16(R8), Y14, Y8, Y9); \
	ROW(20(R8), Y15, Y10, Y11); \
	ADDQ R10, R8; \
	ADDQ R11, R9

#define ADD_ROW(i, left, right) \
	VADDPS (64*i)(SI), left, left; \
	VADDPS (64*i+32)(SI), right, right; \
	VMOVUPS left, (64*i)(SI); \
	VMOVUPS right, (64*i+32)(SI)

// func gradTilesAVX2(j *gradJob)
//
// Loops: groups of 6 rows of weights, rows of pixels, pixels. A last group of fewer rows begins earlier and adds zero to
// those that the group before has done. Registers: R8 x, R9 dy, R10 and R11 their steps from pixel to pixel, R12 and R13
// from the end of a row to the next, AX pixels left in a row, CX rows left, BX the group's first row, DX rows done before
// it in this pass, SI the sums, DI the job.
TEXT ·gradTilesAVX2(SB), NOSPLIT, $0-8
	MOVQ j+0(FP), DI
	MOVQ gradJob_xStep(DI), R10
	SHLQ $2, R10
	MOVQ gradJob_dyStep(DI), R11
	SHLQ $2, R11
	MOVQ gradJob_cols(DI), AX
	MOVQ gradJob_xPitch(DI), R12
	SHLQ $2, R12
	MOVQ AX, DX
	IMULQ R10, DX
	SUBQ DX, R12
	MOVQ gradJob_dyPitch(DI), R13
	SHLQ $2, R13
	MOVQ AX, DX
	IMULQ R11, DX
	SUBQ DX, R13
	MOVQ gradJob_sum+0(DI), SI
	XORQ BX, BX
	XORQ DX, DX

group:
	MOVQ gradJob_x+0(DI), R8
	LEAQ (R8)(BX*4), R8
	MOVQ gradJob_dy+0(DI), R9
	MOVQ gradJob_rows(DI), CX
	CLEAR_SUMS
	MOVQ gradJob_width(DI), AX
	CMPQ AX, $16
	JNE  narrow

row:
	MOVQ gradJob_cols(DI), AX

pixel:
	VMOVUPS (R9), Y12
	VMOVUPS 32(R9), Y13
	GRAD_STEP
	DECQ AX
	JNZ  pixel
	ADDQ R12, R8
	ADDQ R13, R9
	DECQ CX
	JNZ  row
	JMP  done

narrow:
	VXORPS Y13, Y13, Y13

narrowRow:
	MOVQ gradJob_cols(DI), AX

narrowPixel:
	VMOVUPS (R9), Y12
	GRAD_STEP
	DECQ AX
	JNZ  narrowPixel
	ADDQ R12, R8
	ADDQ R13, R9
	DECQ CX
	JNZ  narrowRow

done:
	CMPQ DX, $1
	JLT  add
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	CMPQ DX, $2
	JLT  add
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	CMPQ DX, $3
	JLT  add
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	CMPQ DX, $4
	JLT  add
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	CMPQ DX, $5
	JLT  add
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9

add:
	ADD_ROW(0, Y0, Y1)
	ADD_ROW(1, Y2, Y3)
	ADD_ROW(2, Y4, Y5)
	ADD_ROW(3, Y6, Y7)
	ADD_ROW(4, Y8, Y9)
	ADD_ROW(5, Y10, Y11)
	ADDQ $6, BX
	ADDQ $384, SI
	MOVQ gradJob_run(DI), AX
	SUBQ BX, AX // rows left
	JLE  end
	XORQ DX, DX
	CMPQ AX, $6
	JGE  group
	MOVQ $6, DX
	SUBQ AX, DX
	SUBQ DX, BX
	MOVQ DX, AX
	SHLQ $6, AX
	SUBQ AX, SI
	JMP  group

end:
	VZEROUPPER
	RET
