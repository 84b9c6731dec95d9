// How many round trips to device memory a launch makes one after the other, which no number of threads hides.
//
// A thread has a clock, in round trips. A load that is issued at clock t is there at t + 1. An instruction that uses what is loaded sets the
// clock to when it is there; loads that none waits for overlap. Within a stretch of instructions without branch, label, barrier, fence or atomic
// operation a load counts as issued as soon as its address is known, as ptxas schedules: across the stretch's ends nothing moves.
// A barrier sets all threads of the block to the latest of them. cp.async is a load that its wait uses. An atomic operation is a round trip that
// also comes after what it reads. A fence waits for writes: one round trip, fence.sc (membar.gl) two. Loads from shared memory and of
// parameters take no time. The chain of a launch is the longest of a block, whose first thread starts at 0.
#pragma once
#include "worker.h"
#include <algorithm>

namespace ptx {
// A thread's clock. What the translator writes at the beginning of a stretch brings it forward (cuda/kernels/ptx/exec/chain.go).
struct Chain {
	emulator::Worker &w;
	uint32_t now = 0, copies = 0, instructions = 0; // copies: when the last cp.async is there
	explicit Chain(emulator::Worker &w) : w(w) {}
	~Chain() { arrive(), w.instructions += instructions; }
	// Ends a launch with a thread that has executed so many instructions that it will not end: 50 times those of any test.
	void limit() {
		if (instructions > 1 << 24) emulator::fail(w, emulator::launch_failed, "executes more than 2^24 instructions");
	}
	// Before and behind a barrier.
	void arrive() { w.chain = std::max(w.chain, now); }
	void meet() { now = w.chain_met; }
	void copied() { now = std::max(now, copies); }
	// Before and behind an atomic operation.
	void reach(uint64_t address) {
		std::lock_guard hold(w.job->arrivals_lock);
		emulator::Arrivals &a = w.job->arrivals[address];
		a.chain = std::max(a.chain, now), a.count++;
	}
	void answer(uint64_t address) {
		std::lock_guard hold(w.job->arrivals_lock);
		now = std::max(now, w.job->arrivals[address].chain) + 1;
	}
};
} // namespace ptx
