// Modes of a run in which less is hidden than on a GPU, the same for the kernels of .cu files and for the PTX.
#include "device_cpu.h"
#include <algorithm>
#include <cstdlib>

namespace emulator {
// EMULATOR_HALF=marked
static const bool marks = [] {
	const char *mode = getenv("EMULATOR_HALF");
	return mode && !strcmp(mode, "marked");
}();
uint16_t marked(uint16_t half, float rounded) {
	if (!marks || (half & 0x7c00) == 0x7c00) return half;
	const uint32_t dropped = __builtin_bit_cast(uint32_t, rounded) & 0x1fff;
	return uint16_t(half ^ ((dropped ^ dropped >> 4 ^ dropped >> 8 ^ dropped >> 12) & 15));
}

// EMULATOR_APPROXIMATE=2
static const uint32_t off_by = [] {
	const char *text = getenv("EMULATOR_APPROXIMATE");
	return text ? (uint32_t)std::max(0, atoi(text)) : 0;
}();
float near(float y, float x) {
	if (!off_by || !std::isnormal(y)) return y;
	const uint32_t hash = __builtin_bit_cast(uint32_t, x) * 2654435761u >> 8;
	return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, y) + hash % (2 * off_by + 1) - off_by);
}
} // namespace emulator
