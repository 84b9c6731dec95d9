// Passes over rows of an image with AVX-512, for pixels of whole vectors: memory is read and written from front to back, coefficients
// come from the first-level cache.

// LOAD_SWEEP loads the places, and puts the numbers of a row into BX, of a pixel into DX, and the rows into CX.
#define LOAD_SWEEP \
	MOVQ j+0(FP), DI; \
	LOAD_PLACES; \
	MOVQ sweep_n(DI), BX; \
	MOVQ sweep_p+8(DI), DX; \
	MOVQ sweep_rows(DI), CX

#define NEXT_ROW \
	ADVANCE_PLACES; \
	DECQ CX; \
	JNZ  row; \
	VZEROUPPER; \
	RET

// EACH_VECTOR is a row: AX is the index in it, SI that in the pixel.
#define EACH_VECTOR(OP) \
row: \
	XORQ AX, AX; \
	XORQ SI, SI; \
vector: \
	OP; \
	ADDQ $16, AX; \
	ADDQ $16, SI; \
	CMPQ SI, DX; \
	JLT  same; \
	XORQ SI, SI; \
same: \
	CMPQ AX, BX; \
	JLT  vector

// NORMALIZE is Z0 * scale + shift.
#define NORMALIZE \
	VMOVUPS (R14)(SI*4), Z1; \
	VFMADD213PS (R15)(SI*4), Z1, Z0

// FINISH: floor comes first so that NaN remains NaN.
#define FINISH \
	VMAXPS Z0, Z15, Z0; \
	VMOVUPS Z0, (R8)(AX*4)

// LOAD_NORMALIZE puts scale and shift into R14 and R15, the floor of the result into Z15.
#define LOAD_NORMALIZE \
	LOAD_SWEEP; \
	MOVQ sweep_p+0(DI), R14; \
	MOVQ sweep_q+0(DI), R15; \
	VPXORQ Z15, Z15, Z15; \
	MOVBLZX sweep_relu(DI), AX; \
	TESTQ AX, AX; \
	JNZ  row; \
	MOVL $0xff800000, AX; \
	VPBROADCASTD AX, Z15 // minus infinity

// COMBINE is Z0 * q + r, to which Z1 * p is added: LOAD loads Z1 in between.
#define COMBINE(LOAD) \
	VMOVUPS (R15)(SI*4), Z1; \
	VFMADD213PS (DI)(SI*4), Z1, Z0; \
	LOAD; \
	VFMADD231PS (R14)(SI*4), Z1, Z0; \
	VMOVUPS Z0, (R8)(AX*4)

#define LOAD_COMBINE \
	LOAD_SWEEP; \
	MOVQ sweep_p+0(DI), R14; \
	MOVQ sweep_q+0(DI), R15; \
	MOVQ sweep_r+0(DI), DI
