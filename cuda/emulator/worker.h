// A worker: an operating-system thread that runs one block at a time, its fibers, and what it remembers of a block.
#pragma once
#include "grid.h"
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

namespace emulator {
const int illegal_address = 700, misaligned_address = 716, launch_failed = 719; // CUresult
const size_t page = 4096, stack_bytes = 12 * page; // the lowest page of a stack is a guard
enum Access { read_access, write_access, atomic_access };

struct Range { uintptr_t low, high; };
struct Cell { // the last accesses to a granule of shared memory, in the worker's time
	uint16_t writer, reader;
	uint32_t write_time, read_time;
};
struct Copy { void *to; const void *from; int bytes, source, group; }; // bytes beyond the source are zeros
struct Warp {
	unsigned ready, arrived, at_barrier; // sets of lanes
	uint32_t synced;                     // time of the last __syncwarp
	unsigned operation[32];
	unsigned site[32]; // line of the PTX where a lane does the operation or waits at the barrier, 0 where kernels are compiled from .cu files
	alignas(64) unsigned operands[10][32]; // register by register: 32 lanes of a fragment are an 8x8 matrix, row by row
};
// An atomic operation on some address by a thread that had made its block's writes visible with __threadfence.
struct Release {
	uint32_t block, thread;
	uint32_t own, others; // times of the block: its own and the other threads' accesses before them are visible
};
// A block that has done an atomic operation, and then a fence, sees what the first `count` releases at that address made visible. Times of the
// operation, of its thread's next fence and of the block's next barrier; 0 for not yet.
struct Acquisition { uintptr_t address; size_t count; unsigned thread; uint32_t time, fenced, passed; };

// Atomic operations at an address: how many, and the longest chain of loads before one of them.
struct Arrivals { uint64_t count; uint32_t chain; };

struct Job {
	const Launch *launch;
	size_t blocks;
	std::atomic<size_t> next{0};
	std::atomic<bool> failed{false};
	std::mutex lock;
	Failure failure;
	Work work;
	std::mutex releases_lock; // also makes atomic operations of the checked build one at a time
	std::map<uintptr_t, std::deque<Release>> releases;
	std::mutex arrivals_lock;
	std::map<uintptr_t, Arrivals> arrivals; // of atomic operations
};
struct Worker {
	Running running; // first, where running() looks for it
	Job *job;        // set while it works
	std::condition_variable wake;
	void *scheduler; // its stack pointer while a fiber runs
	int threads, live, waiting;
	int barrier_line; // source line of the barrier that threads wait at
	unsigned site;    // line of the PTX of the last access, for messages; 0 for none
	bool stopped;
	uint32_t time, block_start, synced; // one tick a barrier or fence
	uint32_t block_number, last_fence;
	Range shared;     // all of the block's shared memory
	uintptr_t window; // where dynamic shared memory begins, behind a kernel's statics
	Memory last_memory;
	unsigned random;
	Work work;
	uint64_t instructions;     // of the block, by threads
	uint32_t chain, chain_met; // the longest of the block's threads so far; at its last barrier
	std::vector<Acquisition> acquisitions;
	Fiber fibers[max_threads];
	uint32_t fences[max_threads]; // time of each thread's last __threadfence, 0 for none
	Warp warps[max_threads / 32];
	std::vector<Copy> copies[max_threads];
	int groups[max_threads];
	std::vector<Cell> cells;
};
inline Worker &worker() { return (Worker &)running(); }

extern Range arena; // all workers with their stacks
extern Range image; // the library's own code and constants

// Ends the block with an error; on a fiber it does not return.
__attribute__((format(printf, 3, 4))) void fail(Worker &, int code, const char *format, ...);
void suspend(Worker &);                // lets other fibers run until this one is ready again
void run_block(Worker &, Index block); // to its end or first failure
void check(const void *, size_t, Access);
inline uintptr_t row_address(const Warp &w, unsigned lane) { return w.operands[0][lane] | (uintptr_t)w.operands[1][lane] << 32; }
void multiply_matrices(Warp &, bool bf16);
void load_matrices(Warp &, unsigned count, bool transposed); // rows at row_address, 8 for each of 1, 2 or 4 matrices
void check_global(Worker &, const Memory &, uintptr_t p, size_t n, Access);

// EMULATOR_TRACE: what a thread does in view of others - barriers, fences, atomic and warp operations, asynchronous copies - is observed, in a sum of
// hashes. A compiler can neither add nor drop such a thing, so the kernels of .cu files and those of the PTX must come to the same sum.
extern const bool tracing;
enum Event { block_barrier = multiply_bf16 + 1, memory_fence, atomic_operation, asynchronous_copy, group_of_copies, wait_for_copies };
inline void observe(Worker &w, unsigned event, uint64_t value = 0) {
	if (!tracing) return;
	uint64_t h = (value + event + 1) * 0x9e3779b97f4a7c15ull;
	w.work.events += (h ^ h >> 29) * 0xbf58476d1ce4e5b9ull;
}
inline uint64_t observed(AtomicOperation o, int bytes, uint64_t value, uint64_t expected) {
	if (bytes == 4) value = (uint32_t)value, expected = (uint32_t)expected; // signed or not
	return ((value * 31 + expected) * 8 + o) * 16 + (unsigned)bytes;
}
void observe_warp(Worker &, const Warp &, Operation);

const int granule = 2; // bytes of shared memory that a cell stands for

// Saves the stack pointer of this fiber and continues with another. It is a jump, not a return, and lanes of a warp jump to
// each other directly: the processor's return predictions stay right, because all lanes return to the same places.
__attribute__((always_inline)) static inline void jump(void **save, void *load) {
	asm volatile(R"(
		lea -128(%%rsp), %%rsp
		push %%rbp; push %%rbx
		lea 1f(%%rip), %%rax; push %%rax
		mov %%rsp, (%0)
		mov %1, %%rsp
		pop %%rax; jmp *%%rax
	1:	pop %%rbx; pop %%rbp
		lea 128(%%rsp), %%rsp)"
		: "+D"(save), "+S"(load)::"rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory", "xmm0", "xmm1", "xmm2",
		"xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
} // namespace emulator
