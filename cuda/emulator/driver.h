// What the files of the driver half share: the driver's objects, and how work is submitted.
#pragma once
#include <cstdint>
#include <cstdlib>
// Our headers are C; what they declare is what the library exports.
#define _Alignas alignas
#pragma GCC visibility push(default)
extern "C" {
#include <cuda.h>
#include <emulator.h>
}
#pragma GCC visibility pop
#include "grid.h"
#include "order.h"
#include <functional>
#include <mutex>

// Something that a stream does, once or at each launch of the graph that holds it. Downloads wait for the synchronisation of the
// stream that it is done on.
using Action = std::function<CUresult(CUstream)>;

struct CUctx_st {};
// Captured work, on which branch of the graph, and how much of each branch comes before it.
struct Node { Action action; uint32_t branch; emulator::Clock before; };
struct CUgraph_st {
	std::vector<Node> nodes;
	std::vector<CUstream> streams;  // being captured, a branch each: first the one that began
	std::vector<emulator::Clock> clocks; // of the branches, over the branches
	std::vector<CUstream> unjoined; // streams with captured work that no event has brought back
	size_t branch(CUstream) const;
};
struct CUgraphExec_st {
	std::vector<Node> nodes;
	std::vector<uint32_t> lanes; // of the branches
	emulator::Clock done;        // by branch: work of earlier launches
};
// Bytes on their way to the host: they arrive when the host waits for the work, so that a program which does not wait sees it.
struct Delivery { void *to; std::string bytes; uint32_t time; };
// Pinned memory that a copy reads until the host has waited for it: it must keep its contents, of that hash, until then.
struct Reading { const void *from; size_t size; uint64_t hash; uint32_t time; };
struct CUstream_st {
	std::shared_ptr<CUgraph_st> capture;
	std::vector<Delivery> deliveries;
	std::vector<Reading> readings;
	uint32_t lane;
	emulator::Clock clock; // what comes before new work on the stream
};
struct CUevent_st {
	double milliseconds = -1;
	CUstream stream = nullptr; // that it was recorded on last
	emulator::Clock clock; // of the stream, or of the captured branch, when it was recorded
	std::shared_ptr<CUgraph_st> capture;
};

namespace emulator {
extern std::recursive_mutex lock; // calls run one at a time
extern int captures;              // under way
extern emulatorCounters_t counters;

// What the pretended device is: compute capability, bytes of shared memory that a block and that a multiprocessor may have, threads of a
// multiprocessor, and multiprocessors of one model.
struct Gpu { int compute, shared, multiprocessor_shared, multiprocessor_threads, multiprocessors; };
extern const Gpu *gpu; // set by cuInit

// Notes and prints what was wrong; EMULATOR_QUIET=1 only notes.
CUresult complain(CUresult code, const std::string &text);
CUresult submit(CUstream, Action);
CUresult synchronous(const std::function<CUresult()> &);
uint64_t hash_of(const void *, size_t);
bool is_read(const void *from, size_t); // by a copy that the host has not waited for
uint32_t begin_access(const char *what); // names the work, gives its number and forgets what the checks keep for too long
std::shared_ptr<const std::vector<Memory>> live_memory(); // ascending
std::vector<uint64_t> contents(const Launch &);          // of the allocations, as hashes; empty without EMULATOR_TRACE
void trace(const Launch &, const Work &, const std::vector<uint64_t> &before); // writes what the launch did, where EMULATOR_TRACE asks for it
Failure run_with_mutants(const Launch &, Work &);         // run, and the same with what EMULATOR_MUTANTS names
void record(const Launch &, const Work &);                // what the launch did, where EMULATOR_WORK asks for it
std::string overwritten_guard();                         // repairs and describes an allocation whose surroundings were written
} // namespace emulator

#define GUARD std::lock_guard hold(emulator::lock)
#define REQUIRE(condition, error) do { if (!(condition)) return error; } while (0)
