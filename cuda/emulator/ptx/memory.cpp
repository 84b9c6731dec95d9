#include "memory.h"
#include <cstdlib>

namespace ptx {
using namespace emulator;

const bool adversarial = [] {
	const char *layout = getenv("EMULATOR_LAYOUT");
	return layout && !strcmp(layout, "adversarial");
}();

void refuse(Worker &w, uint64_t address, size_t bytes, const char *what) {
	size_t offset = address - w.window;
	if (offset < size_t(max_shared + shared_slack)) fail(w, misaligned_address, "an access of %zu bytes at byte %zu of shared memory %s", bytes, offset, what);
	fail(w, misaligned_address, "an access of %zu bytes at %#zx %s", bytes, (size_t)address, what);
}

// An address of one space that is used for another is undefined.
void check_space(Worker &w, Space space, uint64_t address) {
	bool in_window = address - w.window < size_t(max_shared + shared_slack);
	if (space == shared && !in_window) fail(w, illegal_address, "a .shared access at byte %zd of shared memory", (ssize_t)(address - w.window));
	if ((space == global || space == read_only) && in_window) fail(w, illegal_address, "a .global access to shared memory");
}

void check_unwritten(Worker &w, uint64_t address) {
	const Memory &m = w.last_memory;
	if (address - m.low < m.high - m.low && m.written[(address - m.low) / sector] == w.job->launch->number)
		fail(w, launch_failed, "ld.global.nc of what this launch has written");
}
} // namespace ptx
