// Runs one thread block: its threads are fibers, scheduled warp by warp until they wait or end.
#include "worker.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>

thread_local Chunk dynamic_shared[(emulator::max_shared + emulator::shared_slack) / 16] __attribute__((aligned(1024)));

namespace emulator {

void fail(Worker &w, int code, const char *format, ...) {
	char text[512], where[256] = "", line[32] = "";
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	Index b = w.running.block, t = w.running.fiber ? w.running.fiber->thread : Index{};
	snprintf(where, sizeof where, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): ", w.job->launch->kernel->name, b.x, b.y, b.z, t.x, t.y, t.z);
	if (w.site) snprintf(line, sizeof line, " (line %u of the PTX)", w.site);
	{
		std::lock_guard hold(w.job->lock);
		if (!w.job->failure.code) w.job->failure = {code, std::string(where) + text + line};
	}
	w.job->failed = w.stopped = true;
	if (w.running.fiber) {
		void *dropped;
		jump(&dropped, w.scheduler);
	}
}

static inline unsigned pick(Worker &w, unsigned ready) {
	if (w.job->launch->order == forward) return (unsigned)__builtin_ctz(ready);
	if (w.job->launch->order == backward) return 31 - (unsigned)__builtin_clz(ready);
	w.random = w.random * 1664525 + 1013904223;
	for (unsigned lane = w.random >> 27;; lane = (lane + 1) % 32)
		if (ready >> lane & 1) return lane;
}

// Takes a lane of the warp that can continue and makes it the running one.
static inline void *next_lane(Worker &w, unsigned number) {
	Warp &warp = w.warps[number];
	unsigned lane = pick(w, warp.ready);
	warp.ready &= ~(1u << lane);
	w.running.fiber = &w.fibers[number * 32 + lane];
	return w.running.fiber->stack;
}

void suspend(Worker &w) {
	Fiber &f = *w.running.fiber;
	jump(&f.stack, w.warps[f.warp].ready ? next_lane(w, f.warp) : w.scheduler);
}

static void release_barrier(Worker &w) {
	w.waiting = 0;
	w.synced = ++w.time;
	w.chain_met = w.chain;
	for (Acquisition &a : w.acquisitions)
		if (!a.passed) a.passed = w.time;
	for (int i = 0; i * 32 < w.threads; i++) {
		w.warps[i].ready |= w.warps[i].at_barrier;
		w.warps[i].at_barrier = 0;
	}
}

// A barrier that some threads reach at one place and some at another is undefined on a GPU. Lines, not addresses, are
// compared, because a compiler may copy one barrier of the source to several places.
void sync_block(int line) {
	Worker &w = worker();
	Fiber &f = *w.running.fiber;
	observe(w, block_barrier);
	if (w.waiting && line != w.barrier_line)
		fail(w, launch_failed, "is at the barrier of line %d while others wait at that of line %d", line, w.barrier_line);
	w.barrier_line = line;
	if (++w.waiting == w.live) return release_barrier(w);
	w.warps[f.warp].at_barrier |= 1u << f.lane;
	suspend(w);
}

static void fiber_main() {
	Worker &w = worker();
	w.job->launch->kernel->call(w.job->launch->kernel->entry, w.job->launch->parameters.data());
	copy_async_wait(0);
	if (--w.live == w.waiting && w.live) release_barrier(w);
	suspend(w);
}

static void make_fibers(Worker &w) {
	const Index &size = w.job->launch->block;
	int warps = (w.threads + 31) / 32;
	for (int i = 0; i < warps; i++) {
		Warp &warp = w.warps[i];
		warp.ready = i == warps - 1 && w.threads % 32 ? (1u << w.threads % 32) - 1 : ~0u;
		warp.arrived = warp.at_barrier = 0;
		warp.synced = w.time;
	}
	for (unsigned i = 0; i < (unsigned)w.threads; i++) {
		// Stacks start at different lines of a page: equal ones would share a few sets of the cache.
		uintptr_t top = (uintptr_t)&w + region - i * stack_bytes - i % 32 * 320;
		void **stack = (void **)top - 2;
		*stack = (void *)fiber_main;
		w.fibers[i] = {{i % size.x, i / size.x % size.y, i / size.x / size.y}, i, i / 32, i % 32, &w.warps[i / 32].operands[0][i % 32], stack};
		w.fences[i] = 0;
		w.copies[i].clear();
		w.groups[i] = 0;
	}
}

static void schedule(Worker &w) {
	Order order = w.job->launch->order;
	int warps = (w.threads + 31) / 32;
	for (bool moved = true; moved && w.live && !w.stopped;) {
		moved = false;
		for (int first = (int)(w.random % (unsigned)warps), i = 0; i < warps; i++) {
			int number = order == forward ? i : order == backward ? warps - 1 - i : (first + i) % warps;
			while (w.warps[number].ready && !w.stopped) {
				void *stack = next_lane(w, (unsigned)number);
				jump(&w.scheduler, stack);
				moved = true;
			}
		}
	}
	w.running.fiber = nullptr;
}

void run_block(Worker &w, Index block) {
	const Launch &l = *w.job->launch;
	// 0xff bytes are a NaN in every float format: what the block does not write shows.
	uintptr_t dynamic = w.window, beyond = dynamic + l.kernel->statics + l.shared, guard = std::min(beyond + 1024, dynamic + sizeof dynamic_shared);
	memset((void *)w.shared.low, 0xff, guard - w.shared.low);
	memset((void *)(dynamic + sizeof dynamic_shared), 0xff, w.shared.high - dynamic - sizeof dynamic_shared);
	w.running = {nullptr, block, l.block, l.grid};
	w.block_number = block.x + l.grid.x * (block.y + l.grid.y * block.z);
	w.threads = w.live = (int)(l.block.x * l.block.y * l.block.z);
	w.waiting = 0;
	w.stopped = false;
	w.block_start = w.synced = ++w.time;
	w.last_fence = w.site = 0;
	w.acquisitions.clear();
	w.instructions = w.chain = w.chain_met = 0;
	make_fibers(w);
	schedule(w);
	Work done;
	done.instructions = done.largest = w.instructions, done.chain = w.chain;
	w.work.add(done);
	if (w.stopped) return;
	if (w.live) fail(w, launch_failed, "deadlock: %d threads wait at a barrier, %d at a warp operation", w.waiting, w.live - w.waiting);
	for (uintptr_t p = beyond; p < guard; p++)
		if (*(uint8_t *)p != 0xff) return fail(w, illegal_address, "wrote byte %zu of dynamic shared memory, %zu were launched", p - dynamic - l.kernel->statics, l.shared);
}
} // namespace emulator
