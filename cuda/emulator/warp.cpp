// The operations that the lanes of a warp do together - shuffles, votes, ldmatrix, mma - and cp.async.
#include "worker.h"
#include <algorithm>

namespace emulator {

static bool is_load(Operation o) { return o >= matrix1 && o <= matrix4_transposed; }
static int matrices(Operation o) { return o == matrix1 || o == matrix1_transposed ? 1 : o == matrix2 || o == matrix2_transposed ? 2 : 4; }
static void exchange(Warp &w) {
	unsigned from[32];
	for (int lane = 0; lane < 32; lane++) from[lane] = w.operands[0][w.operands[1][lane] % 32];
	memcpy(w.operands[0], from, sizeof from);
}

static void perform(Worker &worker, Warp &w, Operation operation) {
	const bool gives = is_load(operation) || operation == vote; // its result counts, not its operands
	if (tracing && !gives) observe_warp(worker, w, operation);
	switch (operation) {
	case sync_warp: w.synced = ++worker.time; break;
	case shuffle_lanes: exchange(w); break;
	case vote: {
		unsigned lanes = 0;
		for (unsigned lane = 0; lane < 32; lane++) lanes |= (w.operands[0][lane] != 0 ? 1u : 0u) << lane;
		std::fill_n(w.operands[0], 32, lanes);
		break;
	}
	case multiply_f16:
	case multiply_bf16:
		worker.work.multiplications++;
		multiply_matrices(w, operation == multiply_bf16);
		break;
	default: load_matrices(w, (unsigned)matrices(operation), operation >= matrix1_transposed);
	}
	if (tracing && gives) observe_warp(worker, w, operation);
}

static void check_row(Worker &w, const Warp &warp, unsigned lane) {
	uintptr_t row = row_address(warp, lane);
	if (row % 16 || row - w.shared.low >= w.shared.high - w.shared.low) fail(w, illegal_address, "ldmatrix row at %#zx: not 16-byte aligned shared memory", row);
#ifdef CHECKED
	check((void *)row, 16, read_access);
#endif
}

// Lanes that come from several sites to an operation that all must do together are at different copies of it: on a GPU that is undefined.
static void check_sites(Worker &w, const Warp &warp) {
	for (int lane = 1; lane < 32; lane++)
		if (warp.site[lane] != warp.site[0]) fail(w, launch_failed, "lanes of a warp do one operation at lines %u and %u of the PTX", warp.site[0], warp.site[lane]);
}

void together(Operation operation, unsigned site) {
	Worker &w = worker();
	Fiber &f = *w.running.fiber;
	Warp &warp = w.warps[f.warp];
	if (is_load(operation) && f.lane < (unsigned)matrices(operation) * 8) check_row(w, warp, f.lane);
	if (warp.arrived)
		if (unsigned lane = (unsigned)__builtin_ctz(warp.arrived); warp.operation[lane] != operation)
			fail(w, launch_failed, "lane %u of the warp is at another warp operation", lane);
	warp.operation[f.lane] = operation;
	warp.site[f.lane] = site;
	warp.arrived |= 1u << f.lane;
	if (warp.arrived != ~0u) return suspend(w);
	check_sites(w, warp);
	perform(w, warp, operation);
	warp.arrived = 0;
	warp.ready |= ~(1u << f.lane);
}

// The copy happens at the wait, so a read that does not wait sees the old contents.
void copy_async(void *to, const void *from, int bytes, int source) {
	Worker &w = worker();
	unsigned me = w.running.fiber->number;
	if ((uintptr_t)to % (unsigned)bytes || (source && (uintptr_t)from % (unsigned)bytes))
		fail(w, misaligned_address, "cp.async of %d bytes from %p to %p is not aligned", bytes, from, to);
	if ((uintptr_t)to - w.shared.low >= w.shared.high - w.shared.low) fail(w, illegal_address, "cp.async to %p, which is not shared memory", to);
	observe(w, asynchronous_copy, (uint64_t)bytes << 32 | (unsigned)source);
	w.copies[me].push_back({to, from, bytes, source, w.groups[me]});
}
void copy_async_commit() {
	Worker &w = worker();
	observe(w, group_of_copies);
	w.groups[w.running.fiber->number]++;
}

static void finish(const Copy &c) {
#ifdef CHECKED
	if (c.source) check(c.from, (size_t)c.source, read_access);
	check(c.to, (size_t)c.bytes, write_access);
#endif
	memcpy(c.to, c.from, (size_t)c.source);
	memset((char *)c.to + c.source, 0, size_t(c.bytes - c.source));
}

// Also the end of a thread, which waits for all that it began.
void copy_async_wait(int pending) {
	Worker &w = worker();
	unsigned me = w.running.fiber->number;
	observe(w, wait_for_copies, (uint64_t)pending);
	size_t kept = 0;
	for (Copy &c : w.copies[me])
		if (c.group < w.groups[me] - pending) finish(c);
		else w.copies[me][kept++] = c;
	w.copies[me].resize(kept);
}
} // namespace emulator
