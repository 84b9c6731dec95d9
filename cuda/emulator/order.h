// Which work is ordered before which: by being on one stream, by events, by the host's waiting. A lane is a stream, the host, or a branch of
// a graph; a clock says how much of each lane comes before. Two pieces of work that nothing orders must not touch the same 32-byte sector
// of device memory, unless both read.
#pragma once
#include <cstdint>
#include <vector>

namespace emulator {
using Clock = std::vector<uint32_t>; // by lane: how many pieces of its work come before; missing ones are 0

void join(Clock &, const Clock &other);
uint32_t new_lane();
// The work that is done from here on is that lane's next, after what the clock says; its clock afterwards is left in `clock`.
void begin_work(uint32_t lane, Clock &clock, const char *what);
void name_work(const char *what); // a better name, once known; it must live on
uint32_t next_number();           // of the work that was begun; larger than all before
bool ordered_before(uint32_t number);
const char *name_of(uint32_t number);
} // namespace emulator
