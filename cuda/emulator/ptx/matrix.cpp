// mma and ldmatrix by the tables of the PTX ISA alone, apart from ../matrix.cpp: the two must agree.
#include "arithmetic.h"
#include <algorithm>
#include <cstdlib>

namespace emulator {
using namespace ptx;

// EMULATOR_MMA=truncate: c and the products are aligned to the largest of them, cut off two bits below its last place in fp32, added
// exactly and cut off to fp32, as measured on tensor cores (Fasi et al. 2021, "Numerical behavior of NVIDIA tensor cores"). Otherwise
// one fp32 FMA after the other in the order of k.
static const bool truncates = [] {
	const char *mode = getenv("EMULATOR_MMA");
	return mode && !strcmp(mode, "truncate");
}();

static float truncated_sum(float c, const float *a, const float *b) {
	double terms[17];
	int top = -1000;
	for (int k = 0; k < 17; k++) {
		terms[k] = k < 16 ? (double)a[k] * (double)b[k * 8] : (double)c;
		if (!std::isfinite(terms[k])) return NAN;
		if (terms[k] != 0) top = std::max(top, std::ilogb(terms[k]));
	}
	if (top == -1000) return 0;
	int64_t sum = 0;
	for (double t : terms) sum += (int64_t)std::ldexp(t, 25 - top);
	double exact = std::ldexp((double)sum, top - 25);
	float rounded = (float)exact;
	return std::fabs((double)rounded) > std::fabs(exact) ? std::nextafter(rounded, 0.f) : rounded;
}

static float element(bool bf16, unsigned word, int half) {
	uint16_t h = uint16_t(word >> 16 * half);
	return bf16 ? bits<float>((uint32_t)h << 16) : from_half(h);
}

// "Matrix Fragments for mma.m16n8k16 with floating point type": element i of a fragment is in half i % 2 of register i / 2.
void multiply_matrices(Warp &w, bool bf16) {
	alignas(32) float A[16][16], B[16][8], C[16][8];
	for (int lane = 0; lane < 32; lane++) {
		int group = lane >> 2, thread = lane % 4;
		for (int i = 0; i < 8; i++) {
			int row = i < 2 || (4 <= i && i < 6) ? group : group + 8, column = thread * 2 + (i & 1) + (i >= 4 ? 8 : 0);
			A[row][column] = element(bf16, w.operands[4 + i / 2][lane], i & 1);
		}
		for (int i = 0; i < 4; i++) B[thread * 2 + (i & 1) + (i >= 2 ? 8 : 0)][group] = element(bf16, w.operands[8 + i / 2][lane], i & 1);
		for (int i = 0; i < 4; i++) C[i < 2 ? group : group + 8][thread * 2 + (i & 1)] = bits<float>(w.operands[i][lane]);
	}
	for (int m = 0; m < 16; m++) {
		float d[8];
		memcpy(d, C[m], sizeof d);
		for (int k = 0; k < 16; k++)
			for (int n = 0; n < 8; n++) d[n] = __builtin_fmaf(A[m][k], B[k][n], d[n]);
		for (int n = 0; n < 8 && truncates; n++)
			if (float t = truncated_sum(C[m][n], A[m], &B[0][n]); t == t) d[n] = t; // not finite: as above
		memcpy(C[m], d, sizeof d);
	}
	for (int lane = 0; lane < 32; lane++)
		for (int i = 0; i < 4; i++) w.operands[i][lane] = bits<uint32_t>(C[i < 2 ? lane >> 2 : (lane >> 2) + 8][lane % 4 * 2 + (i & 1)]);
}

// "ldmatrix": thread t receives elements 2 * (t % 4) and the next of row t / 4, with .trans of column t / 4.
void load_matrices(Warp &w, unsigned count, bool transposed) {
	unsigned result[4][32];
	for (unsigned m = 0; m < count; m++)
		for (unsigned lane = 0; lane < 32; lane++) {
			unsigned word = 0;
			for (unsigned e = 0; e < 2; e++) {
				unsigned row = lane / 4, column = lane % 4 * 2 + e;
				if (transposed) std::swap(row, column);
				uint16_t value;
				memcpy(&value, (const char *)row_address(w, m * 8 + row) + column * 2, 2);
				word |= (unsigned)value << 16 * e;
			}
			result[m][lane] = word;
		}
	memcpy(w.operands, result, count * 128);
}
} // namespace emulator
