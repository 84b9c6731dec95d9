// The products of kernel_gemm_amd64.s with AVX-512: tiles of 8 or 4 rows by one or two panels of 16 columns. The file that includes
// this gives ONE and TWO, which multiply the four bytes at an address by Z16, and by Z17, and add them to the sums left and right; both
// get the registers by name and by number.

// CLEAR8 clears the sums of the rows of one panel, which lie in even registers; CLEAR8B those of the other.
#define CLEAR8 \
	VPXORQ Z0, Z0, Z0; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Z4, Z4, Z4; \
	VPXORQ Z6, Z6, Z6; \
	VPXORQ Z8, Z8, Z8; \
	VPXORQ Z10, Z10, Z10; \
	VPXORQ Z12, Z12, Z12; \
	VPXORQ Z14, Z14, Z14

#define CLEAR8B \
	VPXORQ Z1, Z1, Z1; \
	VPXORQ Z3, Z3, Z3; \
	VPXORQ Z5, Z5, Z5; \
	VPXORQ Z7, Z7, Z7; \
	VPXORQ Z9, Z9, Z9; \
	VPXORQ Z11, Z11, Z11; \
	VPXORQ Z13, Z13, Z13; \
	VPXORQ Z15, Z15, Z15

// ROWS4 and ROWS8 are step i of the unrolled loops over rows 0 to 3 and 4 to 7: rows are R8 apart; R12 is row 3, DX row 6.
#define ROWS4(OP, i) \
	OP((4*i)(SI), Z18, Z0, Z1, 18, 0, 1); \
	OP((4*i)(SI)(R8*1), Z19, Z2, Z3, 19, 2, 3); \
	OP((4*i)(SI)(R8*2), Z20, Z4, Z5, 20, 4, 5); \
	OP((4*i)(R12), Z21, Z6, Z7, 21, 6, 7)

#define ROWS8(OP, i) \
	ROWS4(OP, i); \
	OP((4*i)(SI)(R8*4), Z22, Z8, Z9, 22, 8, 9); \
	OP((4*i)(R12)(R8*2), Z23, Z10, Z11, 23, 10, 11); \
	OP((4*i)(DX), Z24, Z12, Z13, 24, 12, 13); \
	OP((4*i)(R12)(R8*4), Z25, Z14, Z15, 25, 14, 15)

#define STEP1(ROWS, i) \
	VMOVUPS (64*i)(DI), Z16; \
	ROWS(ONE, i)

#define STEP2(ROWS, i) \
	VMOVUPS (64*i)(DI), Z16; \
	VMOVUPS (64*i)(DI)(R14*1), Z17; \
	ROWS(TWO, i)

#define STEPS(STEP, ROWS) \
	STEP(ROWS, 0); \
	STEP(ROWS, 1); \
	STEP(ROWS, 2); \
	STEP(ROWS, 3); \
	ADDQ $16, SI; \
	ADDQ $16, R12; \
	ADDQ $16, DX; \
	ADDQ $256, DI; \
	SUBQ $4, CX

#define PUT1(left, right) \
	VMOVUPS left, (AX); \
	ADDQ R9, AX

#define PUT2(left, right) \
	VMOVUPS left, (AX); \
	VMOVUPS right, 64(AX); \
	ADDQ R9, AX

#define PUT_ROWS4(PUT) \
	MOVQ BX, AX; \
	IMULQ R9, AX; \
	ADDQ R11, AX; \
	PUT(Z0, Z1); \
	PUT(Z2, Z3); \
	PUT(Z4, Z5); \
	PUT(Z6, Z7)

#define PUT_ROWS8(PUT) \
	PUT_ROWS4(PUT); \
	PUT(Z8, Z9); \
	PUT(Z10, Z11); \
	PUT(Z12, Z13); \
	PUT(Z14, Z15)

// BEGIN_TILE finds row BX in a and starts the inner dimension.
#define BEGIN_TILE \
	MOVQ BX, SI; \
	IMULQ R8, SI; \
	ADDQ R10, SI; \
	LEAQ (R8)(R8*2), DX; \
	LEAQ (SI)(DX*1), R12; \
	LEAQ (SI)(DX*2), DX; \
	MOVQ R13, DI; \
	MOVQ gemmJob_inner(R15), CX

// LEFT compares the rows left with 8; where fewer are left, the last four rows are next, of which some may have been done.
#define LEFT(done, eight) \
	MOVQ gemmJob_rows(R15), CX; \
	MOVQ CX, AX; \
	SUBQ BX, CX; \
	JLE  done; \
	CMPQ CX, $8; \
	JGE  eight; \
	SUBQ $4, AX; \
	CMPQ BX, AX; \
	CMOVQGT AX, BX

// MULTIPLY is the body of a product.
//
// Loops: matrices of the batch, panels of 16 columns by two, rows, the inner dimension by 4. Registers: SI, R12 and DX rows 0, 3
// and 6 of the tile in a, R8 a row of a, DI the panel, R14 the way to the next panel, R9 a row of dst, AX the tile in dst, CX steps
// left, BX rows done, R10 the matrix in a, R11 the panel's first column in dst, R13 the panel, R15 the job; on the stack matrices
// and columns left.
#define MULTIPLY \
	MOVQ j+0(FP), R15; \
	MOVQ gemmJob_inner(R15), R8; \
	SHLQ $2, R8; \
	MOVQ R8, R14; \
	SHLQ $4, R14; \
	MOVQ gemmJob_cols(R15), R9; \
	SHLQ $2, R9; \
	MOVQ gemmJob_a+0(R15), R10; \
	MOVQ gemmJob_b+0(R15), R13; \
	MOVQ gemmJob_dst+0(R15), R11; \
	MOVQ gemmJob_batch(R15), AX; \
	MOVQ AX, matrices-8(SP); \
matrix: \
	MOVQ gemmJob_cols(R15), AX; \
	MOVQ AX, columns-16(SP); \
panel: \
	XORQ BX, BX; \
	MOVQ columns-16(SP), AX; \
	CMPQ AX, $32; \
	JLT  rows1; \
rows2: \
	LEFT(done2, eight2); \
	BEGIN_TILE; \
	CLEAR8; \
	CLEAR8B; \
four2: \
	STEPS(STEP2, ROWS4); \
	JNZ  four2; \
	PUT_ROWS4(PUT2); \
	ADDQ $4, BX; \
	JMP  rows2; \
eight2: \
	BEGIN_TILE; \
	CLEAR8; \
	CLEAR8B; \
step2: \
	STEPS(STEP2, ROWS8); \
	JNZ  step2; \
	PUT_ROWS8(PUT2); \
	ADDQ $8, BX; \
	JMP  rows2; \
done2: \
	LEAQ (R13)(R14*2), R13; \
	ADDQ $128, R11; \
	SUBQ $32, columns-16(SP); \
	JNZ  panel; \
	JMP  next; \
rows1: \
	LEFT(done1, eight1); \
	BEGIN_TILE; \
	CLEAR8; \
four1: \
	STEPS(STEP1, ROWS4); \
	JNZ  four1; \
	PUT_ROWS4(PUT1); \
	ADDQ $4, BX; \
	JMP  rows1; \
eight1: \
	BEGIN_TILE; \
	CLEAR8; \
step1: \
	STEPS(STEP1, ROWS8); \
	JNZ  step1; \
	PUT_ROWS8(PUT1); \
	ADDQ $8, BX; \
	JMP  rows1; \
done1: \
	ADDQ R14, R13; \
	ADDQ $64, R11; \
next: \
	MOVQ gemmJob_dstStride(R15), AX; \
	SUBQ gemmJob_cols(R15), AX; \
	LEAQ (R11)(AX*4), R11; \
	MOVQ gemmJob_aStride(R15), AX; \
	LEAQ (R10)(AX*4), R10; \
	MOVQ gemmJob_cols(R15), DX; \
	IMULQ gemmJob_inner(R15), DX; \
	MOVQ gemmJob_bStride(R15), AX; \
	SUBQ DX, AX; \
	LEAQ (R13)(AX*4), R13; \
	DECQ matrices-8(SP); \
	JNZ  matrix; \
	VZEROUPPER; \
	RET
