// What the driver half of the emulator knows of the half that runs kernels: run a grid on some memory, and how it may fail.
#pragma once
#include "device_cpu.h"
#include <memory>
#include <string>
#include <vector>

namespace emulator {
const int max_shared = 227 * 1024, /* of any GPU */ default_shared = 48 * 1024, max_threads = 1024;
const int shared_slack = 4096; // more for statics that are laid out with gaps
const size_t sector = 32; // bytes: the unit in which a GPU moves device memory
enum Order { forward, backward, shuffled };

// A live allocation, and in the checked build what is known of its contents. Cells are described in global.cpp.
struct Memory {
	uintptr_t low = 0, high = 0;
	uint32_t *read = nullptr, *written = nullptr; // a number a sector: the last launch that did so, 0 never
	uint64_t *reader = nullptr, *writer = nullptr; // a cell for each 4 bytes: who did so last in this launch
};
struct Launch {
	const Kernel *kernel;
	Index grid, block;
	size_t shared;          // bytes of dynamic shared memory
	std::string parameters; // packed by Kernel::offset
	uint32_t number = 0;    // of this piece of work; later ones are larger
	Order order = forward;
	std::shared_ptr<const std::vector<Memory>> memory; // ascending
};
struct Failure { int code = 0; std::string message; }; // code is a CUresult

// What a launch, or a part of its blocks, did. Sectors are counted in the checked build only, what follows multiplications where the kernels
// are PTX (ptx/chain.h).
struct Work {
	uint64_t sectors_read = 0, sectors_written = 0, multiplications = 0;
	uint64_t instructions = 0, largest = 0; // by threads: of all blocks, of the block with most
	uint64_t chain = 0;                     // the longest chain of dependent loads of a block
	uint64_t contended = 0;                 // atomic operations at the address with most
	uint64_t events = 0;                    // worker.h; for EMULATOR_TRACE only
	void add(const Work &);
};

const Kernel *find(const std::string &name);
void start();                        // workers and fault handler, once
Failure run(const Launch &, Work &); // the whole grid; returns when it has ended
std::string describe_address(uintptr_t); // the driver half's: what a bad pointer points at
Memory watch(uintptr_t low, size_t bytes); // with empty records
void forget_accesses(const Memory &);      // who touched it; what was written stays known
void unwatch(const Memory &);
// Notes what a copy or a fill does to memory and counts the sectors; describes work on another stream that may do so at the same time.
std::string note(const Memory &, uintptr_t p, size_t n, uint32_t number, bool writes, size_t &sectors);
bool is_checked();
// Which kernels the library holds: compiled from the .cu files (sources.cpp) or translated from the PTX (ptx/modules.cpp).
extern const char *const kernels_are_of;
bool has_module(const std::string &ptx); // whether the kernels are those of this text
} // namespace emulator
