#include "textflag.h"
#include "bf16_amd64.h"

// AHEAD is how many bytes ahead of a pass memory is fetched: the processor itself fetches no further than a page, and a pass that does
// nothing else would wait. 1024 bytes left a quarter of the time to wait, 8192 did no better.
#define AHEAD 4096

// PREFETCHW_DI is PREFETCHW at an offset from DI, which the assembler does not know.
#define PREFETCHW_DI(offset) \
	BYTE $0x0f; \
	BYTE $0x0d; \
	BYTE $0x8f; \
	LONG $offset

// func expandBF16(dst *float32, src *uint16, vectors int)
//
// Widens 16 numbers a vector.
TEXT ·expandBF16(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ vectors+16(FP), CX

loop:
	PREFETCHT0 AHEAD(SI)
	VPMOVZXWD (SI), Z0
	VPSLLD $16, Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func compressBF16(dst *uint16, src *float32, vectors int)
//
// Rounds 16 numbers a vector.
TEXT ·compressBF16(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ vectors+16(FP), CX

loop:
	PREFETCHW_DI(AHEAD)
	VMOVUPS (SI), Z0
	VCVTNEPS2BF16(0)
	VMOVDQU Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func expandFP16(dst *float32, src *uint16, vectors int)
TEXT ·expandFP16(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ vectors+16(FP), CX

loop:
	PREFETCHT0 AHEAD(SI)
	VCVTPH2PS (SI), Z0
	VMOVUPS Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func compressFP16(dst *uint16, src *float32, vectors int)
TEXT ·compressFP16(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ vectors+16(FP), CX

loop:
	PREFETCHW_DI(AHEAD)
	VMOVUPS (SI), Z0
	VCVTPS2PH $0, Z0, (DI) // to the nearest, to an even one between two
	ADDQ $64, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
