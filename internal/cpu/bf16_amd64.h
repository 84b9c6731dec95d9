// Instructions of AVX512_BF16, which the assembler does not know, in their encoding (Intel's manual, volume 2). Registers are numbers.

// VDPBF16PS adds the products of the pairs in Z(panel) and Z(factor) to Z(sum); panel and factor are from 16 on, sum is below 16.
#define VDPBF16PS(panel, factor, sum) \
	BYTE $0x62; \
	BYTE $(0xb2 ^ ((sum & 8) << 4) ^ ((panel & 8) << 2)); \
	BYTE $(0x06 | (((factor & 15) ^ 15) << 3)); \
	BYTE $0x40; \
	BYTE $0x52; \
	BYTE $(0xc0 | ((sum & 7) << 3) | (panel & 7))

// VCVTNEPS2BF16 rounds the 16 floats of Z(r) to bfloat16 in Y(r); r is below 8.
#define VCVTNEPS2BF16(r) \
	BYTE $0x62; \
	BYTE $0xf2; \
	BYTE $0x7e; \
	BYTE $0x48; \
	BYTE $0x72; \
	BYTE $(0xc0 | (r << 3) | r)

// VCVTNE2PS2BF16 rounds the floats of Z(low) to the lower half of Z(high), and those of Z(high) to its upper half; high is below 8, low
// from 16 to 23.
#define VCVTNE2PS2BF16(low, high) \
	BYTE $0x62; \
	BYTE $0xb2; \
	BYTE $(0x07 | ((high ^ 15) << 3)); \
	BYTE $0x48; \
	BYTE $0x72; \
	BYTE $(0xc0 | (high << 3) | (low & 7))
