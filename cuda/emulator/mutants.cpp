// EMULATOR_MUTANTS=3,17,4 names planted faults by number, EMULATOR_MUTANTS_LOG a file. A launch of a kernel with some of them is done first as the
// kernel is, then, on the same memory, once with each fault whose instruction it came to. A fault is caught, and done no more, where the launch is
// refused, or leaves other memory or other events (EMULATOR_TRACE must be set) than without it. Programs see the launch without faults only. When
// none are left, the program ends.
//
// Lines of the log: "reached N", once; "trying N", before each launch; "caught N how".
#include "mutants.h"
#include "driver.h"
#include <cstdio>
#include <map>
#include <set>
#include <unistd.h>

namespace emulator {
int mutant;
bool mutant_reached[most_mutants];

struct Planted { int number; size_t statics; };
static std::map<std::string, std::vector<Planted>> &planted() {
	static std::map<std::string, std::vector<Planted>> all; // by kernel
	return all;
}
int plant(const char *kernel, int number, size_t statics) {
	planted()[kernel].push_back({number, statics});
	return 0;
}

static std::set<int> left = [] {
	std::set<int> all;
	const char *text = getenv("EMULATOR_MUTANTS");
	for (char *end; text && *text; text = *end ? end + 1 : end) all.insert((int)strtol(text, &end, 10));
	return all;
}();
static FILE *const out = getenv("EMULATOR_MUTANTS_LOG") ? fopen(getenv("EMULATOR_MUTANTS_LOG"), "w") : nullptr;

static void log(const char *word, int number, const std::string &how = "") {
	fprintf(out, "%s %d %s\n", word, number, how.c_str());
	fflush(out);
}

// Device memory with the checked build's marks of who read and wrote it.
struct Contents {
	std::vector<std::string> bytes, read, written;
	explicit Contents(const std::vector<Memory> &memory) {
		for (const Memory &m : memory) {
			bytes.emplace_back((char *)m.low, m.high - m.low);
			read.emplace_back((char *)m.read, marks(m));
			written.emplace_back((char *)m.written, marks(m));
		}
	}
	static size_t marks(const Memory &m) { return m.read ? (m.high - m.low + sector - 1) / sector * sizeof *m.read : 0; }
	void restore(const std::vector<Memory> &memory) const {
		for (size_t i = 0; i < memory.size(); i++) {
			memcpy((void *)memory[i].low, bytes[i].data(), bytes[i].size());
			memcpy(memory[i].read, read[i].data(), read[i].size());
			memcpy(memory[i].written, written[i].data(), written[i].size());
		}
	}
	bool equal(const std::vector<Memory> &memory) const {
		for (size_t i = 0; i < memory.size(); i++)
			if (memcmp((void *)memory[i].low, bytes[i].data(), bytes[i].size())) return false;
		return true;
	}
};

// How a launch with a fault shows that it is none of the kernel; "" if it does not. Memory is that before the launch.
static std::string shows(const Launch &l, const Planted &p, const Contents &after, const std::vector<uint64_t> &hashes, const Work &work) {
	Kernel kernel = *l.kernel;
	kernel.statics = p.statics;
	Launch changed = l;
	changed.kernel = &kernel;
	changed.number = begin_access(l.kernel->name);
	Work other;
	mutant = p.number;
	Failure failure = run(changed, other);
	mutant = 0;
	if (failure.code) return failure.message;
	if (!after.equal(*l.memory) && contents(l) != hashes) return "leaves other bits in device memory";
	return other.events == work.events ? "" : "has other barriers, fences, atomic or warp operations, or copies";
}

Failure run_with_mutants(const Launch &l, Work &work) {
	auto found = planted().find(l.kernel->name);
	std::vector<Planted> here;
	if (out && found != planted().end())
		for (const Planted &p : found->second)
			if (left.count(p.number)) here.push_back(p);
	if (here.empty()) return run(l, work);
	for (const Planted &p : here) mutant_reached[p.number] = false;
	const Contents before(*l.memory);
	if (Failure failure = run(l, work); failure.code) return failure;
	std::erase_if(here, [](const Planted &p) { return !mutant_reached[p.number]; });
	if (here.empty()) return {};
	const Contents after(*l.memory);
	const std::vector<uint64_t> hashes = contents(l);
	static std::set<int> reached;
	for (const Planted &p : here) {
		if (reached.insert(p.number).second) log("reached", p.number);
		before.restore(*l.memory);
		log("trying", p.number);
		if (std::string how = shows(l, p, after, hashes, work); !how.empty()) {
			log("caught", p.number, l.kernel->name + (" " + how));
			left.erase(p.number);
		}
	}
	after.restore(*l.memory);
	if (left.empty()) _exit(0);
	return {};
}
} // namespace emulator
