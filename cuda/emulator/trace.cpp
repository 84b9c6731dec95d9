// What the environment asks for a line of a file for each launch of.
//
// EMULATOR_TRACE=FILE writes a line for every launch: the kernel, a hash of the allocations that it changed and one of its events (worker.h). Two
// builds that run the same program must write the same lines: the first that differ name the kernel that does.
// EMULATOR_WORK=FILE writes what the launch did, as JSON, for scripts/gpu_model.py.
#include "driver.h"
#include "worker.h"
#include <cinttypes>
#include <cstdio>

namespace emulator {
// Device pointers in memory differ between processes: they count as 0.
static uint64_t without_pointers(const std::vector<Memory> &memory, uint64_t word) {
	if (word < memory.front().low || word > memory.back().high) return word;
	for (const Memory &m : memory)
		if (word >= m.low && word <= m.high) return 0;
	return word;
}

// Which NaN an operation gives depends on the order of its operands, which a compiler chooses: all NaNs count as one.
static uint64_t one_nan(uint64_t word) {
	uint64_t low = word & 0xffffffff, high = word >> 32;
	if ((low & 0x7fffffff) > 0x7f800000) low = 0x7fffffff;
	if ((high & 0x7fffffff) > 0x7f800000) high = 0x7fffffff;
	return high << 32 | low;
}

static uint64_t hash(const std::vector<Memory> &memory, const Memory &m) {
	uint64_t h = m.high - m.low;
	for (uintptr_t p = m.low; p < m.high; p += 8) {
		uint64_t word = 0;
		memcpy(&word, (void *)p, std::min<size_t>(8, m.high - p));
		h = (h ^ one_nan(without_pointers(memory, word))) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return h;
}

static FILE *const out = getenv("EMULATOR_TRACE") ? fopen(getenv("EMULATOR_TRACE"), "w") : nullptr;
const bool tracing = out;

std::vector<uint64_t> contents(const Launch &l) {
	std::vector<uint64_t> hashes;
	for (const Memory &m : *l.memory)
		if (out) hashes.push_back(hash(*l.memory, m));
	return hashes;
}

void trace(const Launch &l, const Work &work, const std::vector<uint64_t> &before) {
	if (!out) return;
	std::vector<uint64_t> after = contents(l);
	uint64_t all = 0;
	for (size_t i = 0; i < after.size(); i++)
		if (after[i] != before[i]) all += after[i]; // a sum: the addresses of allocations do not count
	fprintf(out, "%s %016" PRIx64 " %016" PRIx64 "\n", l.kernel->name, all, work.events);
	fflush(out);
}

static FILE *const works = getenv("EMULATOR_WORK") ? fopen(getenv("EMULATOR_WORK"), "w") : nullptr;

void record(const Launch &l, const Work &w) {
	if (!works) return;
	uint64_t blocks = (uint64_t)l.grid.x * l.grid.y * l.grid.z, threads = (uint64_t)l.block.x * l.block.y * l.block.z;
	fprintf(works, "{\"kernel\": \"%s\", \"blocks\": %" PRIu64 ", \"threads\": %" PRIu64 ", \"shared\": %zu", l.kernel->name, blocks, threads, l.shared + l.kernel->statics);
	const std::pair<const char *, uint64_t> all[] = {{"read", w.sectors_read * sector}, {"written", w.sectors_written * sector}, {"mma", w.multiplications},
		{"instructions", w.instructions}, {"largest", w.largest}, {"chain", w.chain}, {"contended", w.contended}};
	for (auto &[key, value] : all) fprintf(works, ", \"%s\": %" PRIu64, key, value);
	fprintf(works, "}\n");
	fflush(works);
}
} // namespace emulator
