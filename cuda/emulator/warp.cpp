// The operations that the lanes of a warp do together - shuffles, votes, ldmatrix, mma - and cp.async.
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

static bool is_load(Operation o) { return o >= matrix1 && o <= matrix4_transposed; }
static int matrices(Operation o) { return o == matrix1 || o == matrix1_transposed ? 1 : o == matrix2 || o == matrix2_transposed ? 2 : 4; }
static uintptr_t row_address(const Warp &w, unsigned lane) { return w.operands[0][lane] | (uintptr_t)w.operands[1][lane] << 32; }

static void load_matrices(Warp &w, Operation operation) {
	bool transposed = operation >= matrix1_transposed;
	unsigned count = (unsigned)matrices(operation);
	uint16_t rows[32][8];
	for (unsigned lane = 0; lane < count * 8; lane++) memcpy(rows[lane], (void *)row_address(w, lane), 16);
	for (unsigned m = 0; m < count && transposed; m++)
		for (unsigned r = 0; r < 8; r++)
			for (unsigned c = 0; c < r; c++) std::swap(rows[m * 8 + r][c], rows[m * 8 + c][r]);
	memcpy(w.operands, rows, count * 128);
}

static void exchange(Warp &w) {
	unsigned from[32];
	for (int lane = 0; lane < 32; lane++) from[lane] = w.operands[0][w.operands[1][lane] % 32];
	memcpy(w.operands[0], from, sizeof from);
}

static void perform(Worker &worker, Warp &w, Operation operation) {
	switch (operation) {
	case sync_warp: w.synced = ++worker.time; break;
	case shuffle_lanes: exchange(w); break;
	case vote: {
		unsigned lanes = 0;
		for (unsigned lane = 0; lane < 32; lane++) lanes |= (w.operands[0][lane] != 0 ? 1u : 0u) << lane;
		std::fill_n(w.operands[0], 32, lanes);
		break;
	}
	case multiply_f16: worker.work.multiplications++; multiply<false>(w); break;
	case multiply_bf16: worker.work.multiplications++; multiply<true>(w); break;
	default: load_matrices(w, operation);
	}
}

static void check_row(Worker &w, const Warp &warp, unsigned lane) {
	uintptr_t row = row_address(warp, lane);
	if (row % 16 || row - w.shared.low >= w.shared.high - w.shared.low) fail(w, illegal_address, "ldmatrix row at %#zx: not 16-byte aligned shared memory", row);
#ifdef CHECKED
	check((void *)row, 16, read_access);
#endif
}

void together(Operation operation) {
	Worker &w = worker();
	Fiber &f = *w.running.fiber;
	Warp &warp = w.warps[f.warp];
	if (is_load(operation) && f.lane < (unsigned)matrices(operation) * 8) check_row(w, warp, f.lane);
	if (warp.arrived)
		if (unsigned lane = (unsigned)__builtin_ctz(warp.arrived); warp.operation[lane] != operation)
			fail(w, launch_failed, "lane %u of the warp is at another warp operation", lane);
	warp.operation[f.lane] = operation;
	warp.arrived |= 1u << f.lane;
	if (warp.arrived != ~0u) return suspend(w);
	perform(w, warp, operation);
	warp.arrived = 0;
	warp.ready |= ~(1u << f.lane);
}

// The copy happens at the wait, so a read that does not wait sees the old contents.
void copy_async(void *to, const void *from, int bytes) {
	Worker &w = worker();
	unsigned me = w.running.fiber->number;
	if ((uintptr_t)to % (unsigned)bytes || (uintptr_t)from % (unsigned)bytes)
		fail(w, misaligned_address, "cp.async of %d bytes from %p to %p is not aligned", bytes, from, to);
	if ((uintptr_t)to - w.shared.low >= w.shared.high - w.shared.low) fail(w, illegal_address, "cp.async to %p, which is not shared memory", to);
	w.copies[me].push_back({to, from, bytes, w.groups[me]});
}
void copy_async_commit() { worker().groups[worker().running.fiber->number]++; }

static void finish(const Copy &c) {
#ifdef CHECKED
	if (c.from) check(c.from, (size_t)c.bytes, read_access);
	check(c.to, (size_t)c.bytes, write_access);
#endif
	if (c.from) memcpy(c.to, c.from, (size_t)c.bytes);
	else memset(c.to, 0, (size_t)c.bytes);
}

// Also the end of a thread, which waits for all that it began.
void copy_async_wait(int pending) {
	Worker &w = worker();
	unsigned me = w.running.fiber->number;
	size_t kept = 0;
	for (Copy &c : w.copies[me])
		if (c.group < w.groups[me] - pending) finish(c);
		else w.copies[me][kept++] = c;
	w.copies[me].resize(kept);
}
} // namespace emulator
