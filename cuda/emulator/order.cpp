// The records behind order.h: for every number the lane and time of its work. The driver's lock is held while they change, and
// nothing changes while a kernel runs.
#include "order.h"
#include <algorithm>

namespace emulator {
struct Place { uint32_t lane, time; const char *what; };
static std::vector<Place> places = {{0, 0, "nothing"}}; // by number
static Place now = {0, 0, "nothing"};
static Clock before;
static uint32_t lanes = 1; // lane 0 is the host

void join(Clock &clock, const Clock &other) {
	if (clock.size() < other.size()) clock.resize(other.size());
	for (size_t i = 0; i < other.size(); i++) clock[i] = std::max(clock[i], other[i]);
}
uint32_t new_lane() { return lanes++; }

void begin_work(uint32_t lane, Clock &clock, const char *what) {
	if (clock.size() <= lane) clock.resize(lane + 1);
	now = {lane, ++clock[lane], what};
	before = clock;
}
void name_work(const char *what) { now.what = what; }

uint32_t next_number() {
	places.push_back(now);
	return (uint32_t)places.size() - 1;
}
bool ordered_before(uint32_t number) {
	const Place &p = places[number];
	return p.time == 0 || (p.lane < before.size() && p.time <= before[p.lane]);
}
const char *name_of(uint32_t number) { return places[number].what; }
} // namespace emulator
