// Hashes of what lanes do together, for EMULATOR_TRACE.
#include "worker.h"

namespace emulator {
// Registers that the operation's meaning depends on: what a shuffle reads from which lane, the operands of mma, what ldmatrix and votes give.
static int registers(Operation o) {
	switch (o) {
	case sync_warp: return 0;
	case shuffle_lanes: return 2;
	case vote:
	case matrix1:
	case matrix1_transposed: return 1;
	case matrix2:
	case matrix2_transposed: return 2;
	case matrix4:
	case matrix4_transposed: return 4;
	case multiply_f16:
	case multiply_bf16: return 10;
	}
	return 0;
}

// Different odd factors for all registers of all lanes.
struct Factors {
	uint32_t of[10][32];
	Factors() {
		uint32_t x = 1;
		for (auto &lanes : of)
			for (uint32_t &f : lanes) f = (x = x * 1664525 + 1013904223) | 1;
	}
};

void observe_warp(Worker &w, const Warp &warp, Operation o) {
	static const Factors factor;
	uint64_t sum = 0;
	for (int r = 0; r < registers(o); r++)
		for (int lane = 0; lane < 32; lane++) {
			uint32_t word = warp.operands[r][lane];
			if ((word & 0x7fffffff) > 0x7f800000) word = 0x7fffffff; // which NaN it is depends on the order of operands, which a compiler chooses
			sum += (uint64_t)word * factor.of[r][lane];
		}
	observe(w, o, sum ^ (uint64_t)w.running.fiber->warp << 56);
}
} // namespace emulator
