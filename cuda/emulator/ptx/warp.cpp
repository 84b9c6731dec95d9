#include "warp.h"

namespace ptx {
using namespace emulator;

static unsigned *operands(Worker &w) { return w.running.fiber->operands; }

// "bar.sync" is aligned: all lanes of a warp wait at the same one; different warps may wait at different ones.
void barrier(Worker &w, unsigned line) {
	Fiber &f = *w.running.fiber;
	Warp &warp = w.warps[f.warp];
	w.site = line;
	if (warp.at_barrier)
		if (unsigned lane = (unsigned)__builtin_ctz(warp.at_barrier); warp.site[lane] != line)
			fail(w, launch_failed, "is at the barrier of line %u while lane %u of the warp waits at that of line %u", line, lane, warp.site[lane]);
	if (warp.arrived) fail(w, launch_failed, "is at a barrier while lanes of the warp are at a warp operation");
	warp.site[f.lane] = line;
	sync_block(0);
}
void warp_barrier(Worker &w, unsigned line) {
	w.site = line;
	together(sync_warp, line);
}
uint32_t ballot(Worker &w, unsigned line, bool p) {
	w.site = line;
	operands(w)[0] = p;
	together(vote, line);
	return operands(w)[0];
}

// The pseudocode of "shfl.sync".
uint32_t exchange(Worker &w, unsigned line, Shuffle mode, uint32_t value, uint32_t b, uint32_t c) {
	w.site = line;
	int lane = (int)w.running.fiber->lane, bval = (int)(b & 31), cval = (int)(c & 31), segmask = (int)(c >> 8 & 31);
	int max_lane = (lane & segmask) | (cval & ~segmask), min_lane = lane & segmask, j = 0;
	bool valid = false;
	switch (mode) {
	case shuffle_up: j = lane - bval, valid = j >= max_lane; break;
	case shuffle_down: j = lane + bval, valid = j <= max_lane; break;
	case shuffle_bfly: j = lane ^ bval, valid = j <= max_lane; break;
	case shuffle_idx: j = min_lane | (bval & ~segmask), valid = j <= max_lane; break;
	}
	unsigned *o = operands(w);
	o[0] = value, o[32] = (unsigned)(valid ? j : lane);
	together(shuffle_lanes, line);
	return o[0];
}

void load_rows(Worker &w, unsigned line, unsigned count, bool transposed, uint32_t *q, uint64_t row) {
	static const Operation plain[] = {matrix1, matrix1, matrix2, matrix4}, turned[] = {matrix1_transposed, matrix1_transposed, matrix2_transposed, matrix4_transposed};
	w.site = line;
	uint64_t address = w.window + row;
	unsigned *o = operands(w);
	o[0] = (unsigned)address, o[32] = unsigned(address >> 32);
	together((transposed ? turned : plain)[count == 4 ? 3 : count], line);
	for (unsigned i = 0; i < count; i++) q[i] = o[32 * i];
}
void multiply(Worker &w, unsigned line, bool bf16, float *d, const uint32_t *a, const uint32_t *b, const float *c) {
	w.site = line;
	unsigned *o = operands(w);
	for (int i = 0; i < 4; i++) o[32 * i] = __builtin_bit_cast(unsigned, c[i]), o[128 + 32 * i] = a[i];
	o[256] = b[0], o[288] = b[1];
	together(bf16 ? multiply_bf16 : multiply_f16, line);
	for (int i = 0; i < 4; i++) d[i] = __builtin_bit_cast(float, o[32 * i]);
}
} // namespace ptx
