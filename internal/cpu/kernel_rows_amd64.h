// What passes over rows of an image with AVX2 and AVX-512 have in common.

// LOAD_PLACES puts the addresses of dst, a and b into R8, R9 and R10 and their pitches in bytes into R11, R12 and R13.
#define LOAD_PLACES \
	MOVQ sweep_dst+0(DI), R8; \
	MOVQ sweep_a+0(DI), R9; \
	MOVQ sweep_b+0(DI), R10; \
	MOVQ sweep_dstPitch(DI), R11; \
	MOVQ sweep_aPitch(DI), R12; \
	MOVQ sweep_bPitch(DI), R13; \
	SHLQ $2, R11; \
	SHLQ $2, R12; \
	SHLQ $2, R13

// ADVANCE_PLACES goes to the next row.
#define ADVANCE_PLACES \
	ADDQ R11, R8; \
	ADDQ R12, R9; \
	ADDQ R13, R10
