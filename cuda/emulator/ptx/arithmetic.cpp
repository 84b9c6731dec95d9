#include "arithmetic.h"

namespace ptx {
void divided_by_zero(Worker &w) {
	emulator::fail(w, emulator::launch_failed, "an integer is divided by zero");
	__builtin_unreachable();
}

// binary16 by its definition: sign, 5 bits of exponent, 10 of fraction (IEEE 754, 3.4).
static float half_value(uint16_t h) {
	int exponent = h >> 10 & 31, fraction = h & 1023;
	float magnitude = exponent == 31 ? (fraction ? NAN : INFINITY) : exponent ? std::ldexp(float(1024 + fraction), exponent - 25) : std::ldexp((float)fraction, -24);
	return std::copysign(magnitude, h >> 15 ? -1.f : 1.f);
}
struct Halves {
	float value[65536];
	Halves() {
		for (unsigned h = 0; h < 65536; h++) {
			value[h] = half_value((uint16_t)h);
			if (value[h] != value[h]) value[h] = bits<float>((h & 0x8000) << 16 | 0x7f800000u | (h & 1023) << 13 | 0x400000u);
		}
	}
};
float from_half(uint16_t h) {
	static const Halves all;
	return all.value[h];
}

// Keeps the upper bits of a significand: to nearest, ties to even, or cut off.
static uint32_t keep(uint32_t m, unsigned dropped, bool cut) {
	uint32_t half = 1u << (dropped - 1);
	return (cut ? m : m + half - 1 + (m >> dropped & 1)) >> dropped;
}
template <Rounding mode> uint16_t to_half(float x) {
	if (x != x) return 0x7fff;
	const bool cut = mode == to_zero;
	uint32_t sign = bits<uint32_t>(x) >> 16 & 0x8000, m = bits<uint32_t>(x) & 0x7fffffff;
	if (m >= 0x7f800000u) return uint16_t(sign | 0x7c00);
	uint32_t h;
	if (m < 0x38800000u) { // below 2^-14: a multiple of 2^-24
		double units = std::ldexp((double)bits<float>(m), 24);
		h = (uint32_t)(cut ? std::trunc(units) : std::nearbyint(units));
	} else {
		h = keep(m - 0x38000000u, 13, cut);
	}
	return emulator::marked(uint16_t(sign | std::min(h, cut ? 0x7bffu : 0x7c00u)), x);
}
template uint16_t to_half<nearest>(float);
template uint16_t to_half<to_zero>(float);
template <Rounding mode> uint16_t to_bfloat16(float x) {
	if (x != x) return 0x7fff;
	if (std::isinf(x)) return uint16_t(bits<uint32_t>(x) >> 16);
	return (uint16_t)keep(bits<uint32_t>(x), 16, mode == to_zero);
}
template uint16_t to_bfloat16<nearest>(float);
template uint16_t to_bfloat16<to_zero>(float);

using emulator::near;
float approximate_ex2(float x) { return near(exp2f(x), x); }
float approximate_lg2(float x) { return near(log2f(x), x); }
float approximate_rsqrt(float x) { return near(float(1 / std::sqrt((double)x)), x); }
float approximate_rcp(float x) { return near(1 / x, x); }
float approximate_sqrt(float x) { return near(root(x), x); }
float approximate_division(float a, float b) { return near(float(a * (1.0f / b)), a); }
} // namespace ptx
