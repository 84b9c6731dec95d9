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
#include <functional>
#include <mutex>

// Something that a stream does, once or at each launch of the graph that holds it. Downloads wait for the synchronisation of the
// stream that it is done on.
using Action = std::function<CUresult(CUstream)>;

struct CUctx_st {};
struct CUgraph_st {
	std::vector<Action> actions;
	std::vector<CUstream> streams; // being captured: first the one that began
	std::vector<CUstream> unjoined; // streams with captured work that no event has brought back
};
struct CUgraphExec_st { std::vector<Action> actions; };
// Bytes on their way to the host: they arrive when the host waits for the stream, so that a program which does not wait sees it.
struct Delivery { void *to; std::string bytes; };
struct CUstream_st {
	std::shared_ptr<CUgraph_st> capture;
	std::vector<Delivery> deliveries;
};
struct CUevent_st {
	double milliseconds = -1;
	CUstream stream = nullptr; // that it was recorded on last
	std::shared_ptr<CUgraph_st> capture;
};

namespace emulator {
extern std::recursive_mutex lock; // calls run one at a time
extern int captures;              // under way
extern emulatorCounters_t counters;

// Notes and prints what was wrong; EMULATOR_QUIET=1 only notes.
CUresult complain(CUresult code, const std::string &text);
CUresult submit(CUstream, Action);
CUresult synchronous(const std::function<CUresult()> &);
void deliver(CUstream);
void deliver_all();
uint32_t next_number();                                  // of a piece of work
std::shared_ptr<const std::vector<Memory>> live_memory(); // ascending
std::string overwritten_guard();                         // repairs and describes an allocation whose surroundings were written
} // namespace emulator

#define GUARD std::lock_guard hold(emulator::lock)
#define REQUIRE(condition, error) do { if (!(condition)) return error; } while (0)
