// Tensor cores of the kernels that g++ compiles: mma and ldmatrix on the registers of a warp. ptx/matrix.cpp is the other account of them.
#include "worker.h"
#include <algorithm>

namespace emulator {
// The operands are c, c, c, c, a, a, a, a, b, b. A register of a or b is an 8x8 block of 16-bit values, b's transposed;
// registers 0 and 1 of c hold the even and odd columns of its upper half, 2 and 3 of its lower half (PTX ISA, "Matrix
// fragments for mma.m16n8k16 with floating point type"). Sums are fp32 FMA in the order of k; a GPU's differ in the last bits.
template <bool bf16> static void multiply(Warp &w) {
	auto row = [&](int r, int i) {
		__m128i bits = _mm_load_si128((__m128i *)&w.operands[r][i * 4]);
		return bf16 ? _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)) : _mm256_cvtph_ps(bits);
	};
	alignas(32) float a[16][16], transposed[16][8], b[16][8];
	for (int i = 0; i < 8; i++)
		for (int half = 0; half < 2; half++) {
			_mm256_store_ps(&a[i][half * 8], row(4 + half * 2, i));
			_mm256_store_ps(&a[i + 8][half * 8], row(5 + half * 2, i));
			_mm256_store_ps(transposed[half * 8 + i], row(8 + half, i));
		}
	for (int k = 0; k < 16; k++)
		for (int n = 0; n < 8; n++) b[k][n] = transposed[k / 8 * 8 + n][k % 8];
	for (int i = 0; i < 16; i++) {
		float *even = (float *)&w.operands[i / 8 * 2][i % 8 * 4], *odd = even + 32;
		__m128 e = _mm_load_ps(even), o = _mm_load_ps(odd);
		__m256 sum = _mm256_set_m128(_mm_unpackhi_ps(e, o), _mm_unpacklo_ps(e, o));
		for (int k = 0; k < 16; k++) sum = _mm256_fmadd_ps(_mm256_broadcast_ss(&a[i][k]), _mm256_load_ps(b[k]), sum);
		__m128 low = _mm256_castps256_ps128(sum), high = _mm256_extractf128_ps(sum, 1);
		_mm_store_ps(even, _mm_shuffle_ps(low, high, 0x88));
		_mm_store_ps(odd, _mm_shuffle_ps(low, high, 0xdd));
	}
}

void multiply_matrices(Warp &w, bool bf16) { bf16 ? multiply<true>(w) : multiply<false>(w); }

void load_matrices(Warp &w, unsigned count, bool transposed) {
	uint16_t rows[32][8];
	for (unsigned lane = 0; lane < count * 8; lane++) memcpy(rows[lane], (void *)row_address(w, lane), 16);
	for (unsigned m = 0; m < count && transposed; m++)
		for (unsigned r = 0; r < 8; r++)
			for (unsigned c = 0; c < r; c++) std::swap(rows[m * 8 + r][c], rows[m * 8 + c][r]);
	memcpy(w.operands, rows, count * 128);
}
} // namespace emulator
