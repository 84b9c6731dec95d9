// The checked build's view of every access of a kernel: bounds, races and unwritten reads in shared memory (global memory is in
// global.cpp), and undefined behaviour. Kernels are compiled with -fsanitize=thread,undefined, which calls a hook before each
// access and at each mistake; no sanitizer is linked, the hooks are ours.
#include "worker.h"
#include <algorithm>

namespace emulator {
const uint16_t no_one = 0xffff, several = 0xfffe, atomics = 0xfffd, several_of_warp = 0x8000;

// Accesses are ordered by __syncthreads and, within a warp, by __syncwarp; shuffles do not order them.
static void check_shared(Worker &w, uintptr_t p, size_t n, Access kind) {
	Fiber &f = *w.running.fiber;
	uint16_t me = kind == atomic_access ? atomics : (uint16_t)f.number, of_warp = (uint16_t)(several_of_warp | f.warp);
	auto ordered = [&](uint16_t who, uint32_t when) { // before this access, by a barrier or because it is this thread's
		bool same_warp = who < max_threads ? who / 32u == f.warp : who == of_warp;
		return who == me || when < w.synced || when < w.block_start || (same_warp && when < w.warps[f.warp].synced);
	};
	size_t offset = p - w.shared.low;
	for (size_t i = offset / granule; i <= (offset + n - 1) / granule; i++) {
		Cell &c = w.cells[i];
		if (kind != write_access && c.write_time < w.block_start) fail(w, launch_failed, "reads shared memory that the block has not written (byte %zu)", offset);
		if (!ordered(c.writer, c.write_time)) fail(w, launch_failed, "race in shared memory (byte %zu): thread %d wrote it and no barrier lies between", offset, c.writer);
		if (kind == read_access) {
			bool alone = c.reader == me || ordered(c.reader, c.read_time), near = c.reader == of_warp || (c.reader < max_threads && c.reader / 32u == f.warp);
			c.reader = alone ? me : near ? of_warp : several;
			c.read_time = w.time;
		} else {
			if (!ordered(c.reader, c.read_time)) fail(w, launch_failed, "race in shared memory (byte %zu): another thread (%d) read it and no barrier lies between", offset, c.reader);
			c = {me, no_one, w.time, 0};
		}
	}
}

void check(const void *pointer, size_t n, Access kind) {
	uintptr_t p = (uintptr_t)pointer, frame = (uintptr_t)__builtin_frame_address(0);
	if (((p ^ frame) & -region) == 0) return; // its own stack
	if (frame - arena.low >= arena.high - arena.low) return; // not a kernel
	Worker &w = worker();
	auto inside = [p, n](uintptr_t low, uintptr_t high) { return p >= low && p + n <= high; };
	if (inside(w.last_memory.low, w.last_memory.high)) return check_global(w, w.last_memory, p, n, kind);
	if (p - w.shared.low < w.shared.high - w.shared.low) {
		const Launch &l = *w.job->launch;
		uintptr_t dynamic = w.window + l.kernel->statics;
		if (p - w.window < (size_t)max_shared && p + n > dynamic + l.shared)
			fail(w, illegal_address, "byte %zu of dynamic shared memory, %zu were launched", p - dynamic, l.shared);
		return check_shared(w, p, n, kind);
	}
	auto &memory = *w.job->launch->memory;
	auto next = std::upper_bound(memory.begin(), memory.end(), p, [](uintptr_t p, const Memory &m) { return p < m.low; });
	if (next != memory.begin() && inside(next[-1].low, next[-1].high)) {
		w.last_memory = next[-1];
		return check_global(w, w.last_memory, p, n, kind);
	}
	if (kind == read_access && inside(image.low, image.high)) return;
	fail(w, illegal_address, "%s %#zx, %s", kind == read_access ? "reads" : "writes", p, describe_address(p).c_str());
}

// Where in its source a kernel was undefined: the first member of all data that -fsanitize=undefined passes.
struct Place { const char *file; uint32_t line, column; };
static void undefined(const char *what, const Place *place) {
	if ((uintptr_t)__builtin_frame_address(0) - arena.low >= arena.high - arena.low) abort();
	fail(worker(), launch_failed, "undefined behaviour at %s:%u: %s", place->file, place->line, what);
}
} // namespace emulator

using namespace emulator;

#define ACCESS(n)                                                                        \
	extern "C" void __tsan_read##n(void *p) { check(p, n, read_access); }            \
	extern "C" void __tsan_write##n(void *p) { check(p, n, write_access); }          \
	extern "C" void __tsan_unaligned_read##n(void *p) { check(p, n, read_access); }  \
	extern "C" void __tsan_unaligned_write##n(void *p) { check(p, n, write_access); } \
	extern "C" void __tsan_volatile_read##n(void *p) { check(p, n, read_access); }   \
	extern "C" void __tsan_volatile_write##n(void *p) { check(p, n, write_access); }
ACCESS(1) ACCESS(2) ACCESS(4) ACCESS(8) ACCESS(16)
extern "C" void __tsan_read_range(void *p, size_t n) { check(p, n, read_access); }
extern "C" void __tsan_write_range(void *p, size_t n) { check(p, n, write_access); }
extern "C" void __tsan_init() {}
extern "C" void __tsan_vptr_update(void **, void *) {}

#define UNDEFINED(name, what, ...) \
	extern "C" void __ubsan_handle_##name(Place *place, ##__VA_ARGS__) { undefined(what, place); } \
	extern "C" void __ubsan_handle_##name##_abort(Place *place, ##__VA_ARGS__) { undefined(what, place); }
UNDEFINED(add_overflow, "a sum overflows", uintptr_t, uintptr_t)
UNDEFINED(sub_overflow, "a difference overflows", uintptr_t, uintptr_t)
UNDEFINED(mul_overflow, "a product overflows", uintptr_t, uintptr_t)
UNDEFINED(negate_overflow, "a negation overflows", uintptr_t)
UNDEFINED(divrem_overflow, "division by zero or overflow", uintptr_t, uintptr_t)
UNDEFINED(shift_out_of_bounds, "a shift by more than the width, or of a negative value", uintptr_t, uintptr_t)
UNDEFINED(out_of_bounds, "an index outside its array", uintptr_t)
UNDEFINED(vla_bound_not_positive, "an array of no elements", uintptr_t)
UNDEFINED(float_cast_overflow, "a float that its integer type cannot hold", uintptr_t)
UNDEFINED(load_invalid_value, "a value that its type does not have", uintptr_t)
UNDEFINED(type_mismatch_v1, "a null or misaligned pointer", uintptr_t)
UNDEFINED(pointer_overflow, "a pointer that wraps around", uintptr_t, uintptr_t)
UNDEFINED(invalid_builtin, "a builtin with an argument that it does not take")
UNDEFINED(nonnull_arg, "a null argument where none may be")
UNDEFINED(nonnull_return_v1, "a null result where none may be", uintptr_t)
extern "C" void __ubsan_handle_builtin_unreachable(Place *place) { undefined("a place that should not be reached", place); }
extern "C" void __ubsan_handle_missing_return(Place *place) { undefined("a function ends without a result", place); }
