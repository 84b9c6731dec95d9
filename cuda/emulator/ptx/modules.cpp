// The modules that the library was translated from.
#include "runtime.h"
#include <set>

static std::set<uint64_t> &modules() {
	static std::set<uint64_t> all;
	return all;
}
int ptx::add_module(uint64_t hash) {
	modules().insert(hash);
	return 0;
}
void ptx::call(void (*entry)(), const char *parameters) { ((void (*)(const char *))entry)(parameters); }

namespace emulator {
const char *const kernels_are_of = " PTX";
bool has_module(const std::string &text) {
	uint64_t hash = 0xcbf29ce484222325ull;
	for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3ull;
	return modules().count(hash);
}
} // namespace emulator
