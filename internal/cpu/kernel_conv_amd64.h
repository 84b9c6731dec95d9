// What the direct convolutions of AVX2 and AVX-512 have in common. Loops: tiles, rows of the window, floats of a row by 4. Registers: R8 to R13
// the six pixels' places in the current row, AX the offset in the row, BX its length, CX rows left, DX the pitch (else an address being
// made), SI the panel, R14 the tile in the table, R15 tiles left, DI the job.

// LOAD_TILES puts the table into R14, its tiles into R15 and the length of a row into BX.
#define LOAD_TILES \
	MOVQ tileJob_at+0(DI), R14; \
	MOVQ tileJob_at+8(DI), AX; \
	XORQ DX, DX; \
	MOVQ $6, CX; \
	DIVQ CX; \
	MOVQ AX, R15; \
	MOVQ tileJob_run(DI), BX; \
	SHLQ $2, BX

// START loads the address of pixel i of the tile.
#define START(i, register) \
	MOVLQSX (8*i)(R14), register; \
	LEAQ (DX)(register*4), register

// SUM_TILE has the sums of a tile made by CLEAR and, for each float of a row of the window, CONV_STEP; DX is then the address of the result.
#define SUM_TILE(CLEAR) \
tile: \
	MOVQ tileJob_src+0(DI), DX; \
	MOVQ tileJob_origin(DI), AX; \
	LEAQ (DX)(AX*4), DX; \
	START(0, R8); \
	START(1, R9); \
	START(2, R10); \
	START(3, R11); \
	START(4, R12); \
	START(5, R13); \
	MOVQ tileJob_panel+0(DI), SI; \
	MOVQ tileJob_rows(DI), CX; \
	MOVQ tileJob_pitch(DI), DX; \
	SHLQ $2, DX; \
	CLEAR; \
	TESTQ BX, BX; \
	JZ    put; \
	TESTQ CX, CX; \
	JZ    put; \
row: \
	XORQ AX, AX; \
step: \
	CONV_STEP(0); \
	CONV_STEP(1); \
	CONV_STEP(2); \
	CONV_STEP(3); \
	ADDQ $256, SI; \
	ADDQ $16, AX; \
	CMPQ AX, BX; \
	JLT  step; \
	ADDQ DX, R8; \
	ADDQ DX, R9; \
	ADDQ DX, R10; \
	ADDQ DX, R11; \
	ADDQ DX, R12; \
	ADDQ DX, R13; \
	DECQ CX; \
	JNZ  row; \
put: \
	MOVQ tileJob_dst+0(DI), DX
