// The transforms of Winograd's convolution F(4x4, 3x3), a vector of channels of a tile at a time: first the columns of the tile,
// into a block of 36 vectors on the stack, then the rows of that. The lines are those of kernel_winograd_generic.go. The files that
// include this give the vectors V0 to V15, their SIZE in bytes and its logarithm SHIFT.

// Registers: SI the image at the tile's first pixel, DX its pitch, R10 a pixel, DI the tile's first point, R11
// the way to the next point, R14 the block, R8 the first pixel of the row of tiles, CX vectors of channels left, BX tiles
// left in the row, R13 rows of tiles left, R15 the job; AX and R9 are addresses of lines.
#define BEGIN \
	MOVQ j+0(FP), R15; \
	LEAQ (SIZE-1)(SP), R14; \
	ANDQ $~(SIZE-1), R14; \
	MOVQ winoJob_image+0(R15), R8; \
	MOVQ winoJob_points+0(R15), DI; \
	MOVQ winoJob_pitch(R15), DX; \
	SHLQ $2, DX; \
	MOVQ winoJob_channels(R15), R10; \
	SHLQ $2, R10; \
	MOVQ winoJob_rows(R15), R13; \
	MOVQ winoJob_stride(R15), R11; \
	SHLQ $2, R11; \
	VBROADCASTSS winoJob_factors+0(R15), V10; \
	VBROADCASTSS winoJob_factors+4(R15), V11; \
	VBROADCASTSS winoJob_factors+8(R15), V12; \
	VBROADCASTSS winoJob_factors+12(R15), V13; \
	VBROADCASTSS winoJob_factors+16(R15), V14; \
	VBROADCASTSS winoJob_factors+20(R15), V15

// NEXT goes to the next vector, tile, row of tiles.
#define NEXT \
	ADDQ $SIZE, SI; \
	ADDQ $SIZE, DI; \
	DECQ CX; \
	JNZ  vector; \
	LEAQ (R10)(R10*2), AX; \
	ADDQ AX, SI; \
	DECQ BX; \
	JNZ  tile; \
	LEAQ (R8)(DX*4), R8; \
	DECQ R13; \
	JNZ  tiles; \
	VZEROUPPER; \
	RET

#define LOOPS \
tiles: \
	MOVQ R8, SI; \
	MOVQ winoJob_cols(R15), BX; \
tile: \
	MOVQ R10, CX; \
	SHRQ $SHIFT, CX

// LOAD6 and STORE6 are a line of vectors that are step apart, from AX on.
#define LOAD6(step) \
	LEAQ (step)(step*2), R9; \
	ADDQ AX, R9; \
	VMOVUPS (AX), V0; \
	VMOVUPS (AX)(step*1), V1; \
	VMOVUPS (AX)(step*2), V2; \
	VMOVUPS (R9), V3; \
	VMOVUPS (R9)(step*1), V4; \
	VMOVUPS (R9)(step*2), V5

#define LOAD4(step) \
	LEAQ (AX)(step*2), R9; \
	VMOVUPS (AX), V0; \
	VMOVUPS (AX)(step*1), V1; \
	VMOVUPS (R9), V2; \
	VMOVUPS (R9)(step*1), V3

#define STORE6(step, a, b, c, d, e, f) \
	LEAQ (step)(step*2), R9; \
	ADDQ AX, R9; \
	VMOVUPS a, (AX); \
	VMOVUPS b, (AX)(step*1); \
	VMOVUPS c, (AX)(step*2); \
	VMOVUPS d, (R9); \
	VMOVUPS e, (R9)(step*1); \
	VMOVUPS f, (R9)(step*2)

#define STORE4(step, a, b, c, d) \
	LEAQ (AX)(step*2), R9; \
	VMOVUPS a, (AX); \
	VMOVUPS b, (AX)(step*1); \
	VMOVUPS c, (R9); \
	VMOVUPS d, (R9)(step*1)

// A column x of the block is a vector wide, a row y 6 vectors long.
#define KEEP4(x, a, b, c, d) \
	VMOVAPS a, (SIZE*x)(R14); \
	VMOVAPS b, (SIZE*(x+6))(R14); \
	VMOVAPS c, (SIZE*(x+12))(R14); \
	VMOVAPS d, (SIZE*(x+18))(R14)

#define KEEP6(x, a, b, c, d, e, f) \
	KEEP4(x, a, b, c, d); \
	VMOVAPS e, (SIZE*(x+24))(R14); \
	VMOVAPS f, (SIZE*(x+30))(R14)

#define FETCH4(y) \
	VMOVAPS (SIZE*6*y)(R14), V0; \
	VMOVAPS (SIZE*(6*y+1))(R14), V1; \
	VMOVAPS (SIZE*(6*y+2))(R14), V2; \
	VMOVAPS (SIZE*(6*y+3))(R14), V3

#define FETCH6(y) \
	FETCH4(y); \
	VMOVAPS (SIZE*(6*y+4))(R14), V4; \
	VMOVAPS (SIZE*(6*y+5))(R14), V5

// INPUT_LINE: B^T d of V0 to V5, in V0, V2, V6, V3, V7, V1. Factors: a^2 b^2, a^2 + b^2, a^2, b^2, a, b.
#define INPUT_LINE \
	VMOVAPS V4, V6; \
	VFNMADD231PS V2, V13, V6; \
	VMOVAPS V4, V7; \
	VFNMADD231PS V2, V12, V7; \
	VMOVAPS V3, V8; \
	VFNMADD231PS V1, V13, V8; \
	VMOVAPS V3, V9; \
	VFNMADD231PS V1, V12, V9; \
	VFMADD213PS V4, V10, V0; \
	VFNMADD231PS V2, V11, V0; \
	VFMADD213PS V5, V10, V1; \
	VFNMADD231PS V3, V11, V1; \
	VMOVAPS V6, V2; \
	VFMADD231PS V8, V14, V2; \
	VFNMADD231PS V8, V14, V6; \
	VMOVAPS V7, V3; \
	VFMADD231PS V9, V15, V3; \
	VFNMADD231PS V9, V15, V7

#define INPUT_COLUMN(x) \
	LOAD6(DX); \
	INPUT_LINE; \
	KEEP6(x, V0, V2, V6, V3, V7, V1); \
	ADDQ R10, AX

#define INPUT_ROW(y) \
	FETCH6(y); \
	INPUT_LINE; \
	STORE6(R11, V0, V2, V6, V3, V7, V1); \
	LEAQ (R9)(R11*2), AX; \
	ADDQ R11, AX

// INPUT_IMAGE is the body of winoInput.
#define INPUT_IMAGE \
	BEGIN; \
	LOOPS \
vector: \
	MOVQ SI, AX; \
	INPUT_COLUMN(0); \
	INPUT_COLUMN(1); \
	INPUT_COLUMN(2); \
	INPUT_COLUMN(3); \
	INPUT_COLUMN(4); \
	INPUT_COLUMN(5); \
	MOVQ DI, AX; \
	INPUT_ROW(0); \
	INPUT_ROW(1); \
	INPUT_ROW(2); \
	INPUT_ROW(3); \
	INPUT_ROW(4); \
	INPUT_ROW(5); \
	NEXT

// OUTPUT_LINE: A^T m of V0 to V5, in V0, V1, V2, V5. Factors: a, b and their squares and cubes.
#define OUTPUT_LINE \
	VADDPS V2, V1, V6; \
	VSUBPS V2, V1, V7; \
	VADDPS V4, V3, V8; \
	VSUBPS V4, V3, V9; \
	VADDPS V6, V0, V0; \
	VMULPS V7, V10, V1; \
	VMULPS V6, V12, V2; \
	VFMADD231PS V7, V14, V5; \
	VADDPS V8, V0, V0; \
	VFMADD231PS V9, V11, V1; \
	VFMADD231PS V8, V13, V2; \
	VFMADD231PS V9, V15, V5

// Point (y, x) is number 6y + x: a column takes every sixth.
#define OUTPUT_COLUMN(x) \
	LOAD6(R12); \
	OUTPUT_LINE; \
	KEEP4(x, V0, V1, V2, V5); \
	ADDQ R11, AX

// FETCH_BELOW, which the file that includes this gives, may fetch the four pixels of the row of tiles below: R9 is the third one.
#define OUTPUT_ROW(y) \
	FETCH6(y); \
	OUTPUT_LINE; \
	STORE4(R10, V0, V1, V2, V5); \
	FETCH_BELOW; \
	ADDQ DX, AX

// OUTPUT_IMAGE is the body of winoOutput. R12 is 6 points.
#define OUTPUT_IMAGE \
	BEGIN; \
	LEAQ (R11)(R11*2), R12; \
	ADDQ R12, R12; \
	LOOPS \
vector: \
	MOVQ DI, AX; \
	OUTPUT_COLUMN(0); \
	OUTPUT_COLUMN(1); \
	OUTPUT_COLUMN(2); \
	OUTPUT_COLUMN(3); \
	OUTPUT_COLUMN(4); \
	OUTPUT_COLUMN(5); \
	MOVQ SI, AX; \
	OUTPUT_ROW(0); \
	OUTPUT_ROW(1); \
	OUTPUT_ROW(2); \
	OUTPUT_ROW(3); \
	NEXT

// GRAD_LINE: A y of V0 to V3, in V0, V8, V4, V9, V5, V3. Factors as those of OUTPUT_LINE.
#define GRAD_LINE \
	VMOVAPS V0, V4; \
	VFMADD231PS V2, V12, V4; \
	VMOVAPS V0, V5; \
	VFMADD231PS V2, V13, V5; \
	VMULPS V1, V10, V6; \
	VFMADD231PS V3, V14, V6; \
	VMULPS V1, V11, V7; \
	VFMADD231PS V3, V15, V7; \
	VADDPS V6, V4, V8; \
	VSUBPS V6, V4, V4; \
	VADDPS V7, V5, V9; \
	VSUBPS V7, V5, V5

#define GRAD_COLUMN(x) \
	LOAD4(DX); \
	GRAD_LINE; \
	KEEP6(x, V0, V8, V4, V9, V5, V3); \
	ADDQ R10, AX

#define GRAD_ROW(y) \
	FETCH4(y); \
	GRAD_LINE; \
	STORE6(R11, V0, V8, V4, V9, V5, V3); \
	LEAQ (R9)(R11*2), AX; \
	ADDQ R11, AX

// GRAD_IMAGE is the body of winoGrad.
#define GRAD_IMAGE \
	BEGIN; \
	LOOPS \
vector: \
	MOVQ SI, AX; \
	GRAD_COLUMN(0); \
	GRAD_COLUMN(1); \
	GRAD_COLUMN(2); \
	GRAD_COLUMN(3); \
	MOVQ DI, AX; \
	GRAD_ROW(0); \
	GRAD_ROW(1); \
	GRAD_ROW(2); \
	GRAD_ROW(3); \
	GRAD_ROW(4); \
	GRAD_ROW(5); \
	NEXT
