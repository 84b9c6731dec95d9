// Arithmetic of PTX: "Integer Arithmetic Instructions", "Floating Point Instructions", "cvt".
#pragma once
#include "worker.h"
#include <cmath>
#include <immintrin.h>
#include <limits>

namespace ptx {
using emulator::Worker;

template <class T, class F> inline T bits(F f) {
	static_assert(sizeof(T) == sizeof(F));
	return __builtin_bit_cast(T, f);
}

// ---- integers ----

template <class T> struct Wider;
template <> struct Wider<int16_t> { using type = int32_t; };
template <> struct Wider<uint16_t> { using type = uint32_t; };
template <> struct Wider<int32_t> { using type = int64_t; };
template <> struct Wider<uint32_t> { using type = uint64_t; };
template <> struct Wider<int64_t> { using type = __int128; };
template <> struct Wider<uint64_t> { using type = unsigned __int128; };

template <class T> inline T multiply_low(uint64_t a, uint64_t b) { return T(a * b); }
template <class T> inline T multiply_high(T a, T b) {
	using W = typename Wider<T>::type;
	return T((W)a * (W)b >> 8 * sizeof(T));
}
[[noreturn]] void divided_by_zero(Worker &);
template <class T> inline T divide(Worker &w, T a, T b) {
	if (b == 0) divided_by_zero(w);
	return std::is_signed_v<T> && b == T(-1) ? T(-(uint64_t)a) : T(a / b); // the smallest by -1 wraps around
}
template <class T> inline T remainder(Worker &w, T a, T b) {
	if (b == 0) divided_by_zero(w);
	return std::is_signed_v<T> && b == T(-1) ? T(0) : T(a % b);
}
template <class T> inline T absolute(T a) { return a < 0 ? T(-(uint64_t)a) : a; }
template <class T> inline T shift_left(T a, uint32_t n) { return n >= 8 * sizeof(T) ? T(0) : T(a << n); }
template <class T> inline T shift_right(T a, uint32_t n) { return T(a >> (n >= 8 * sizeof(T) ? 8 * sizeof(T) - 1 : n)) >> (n >= 8 * sizeof(T)); }
// "bfe": position and length are their lowest 8 bits.
template <class T> inline T extract(T a, uint32_t position, uint32_t length) {
	position &= 255, length &= 255;
	T field = position >= 8 * sizeof(T) ? T(0) : T(a >> position);
	return length >= 8 * sizeof(T) ? field : T(field & ((T(1) << length) - 1));
}

// ---- floats ----

// "min", "max": a NaN loses, -0 is less than +0, of two NaNs the result is the canonical one.
template <class T> inline T minimum(T a, T b) { return a < b ? a : b; }
template <class T> inline T maximum(T a, T b) { return a > b ? a : b; }
template <> inline float minimum(float a, float b) {
	if (a != a && b != b) return bits<float>(0x7fffffffu);
	if (a != a || b != b) return a != a ? b : a;
	if (a == b) return bits<float>(bits<uint32_t>(a) | bits<uint32_t>(b));
	return a < b ? a : b;
}
template <> inline float maximum(float a, float b) {
	if (a != a && b != b) return bits<float>(0x7fffffffu);
	if (a != a || b != b) return a != a ? b : a;
	if (a == b) return bits<float>(bits<uint32_t>(a) & bits<uint32_t>(b));
	return a > b ? a : b;
}

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
template <class T> inline T sum(T a, T b) { return a + b; }
template <class T> inline T difference(T a, T b) { return a - b; }
template <class T> inline T product(T a, T b) { return a * b; }
template <class T> inline T quotient(T a, T b) { return a / b; }
template <class T> inline T fused_sum(T a, T b, T c) { return fused(a, b, c); }
template <class T> inline T reciprocal(T a) { return 1 / a; }
template <class T> inline T root(T a) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))); }
template <class F, class T = float> inline T narrow(F a) { return (T)a; }

// "Rounding Modifiers", as the processor's control register has them.
enum Rounding : unsigned { nearest = 0x0000, down = 0x2000, up = 0x4000, to_zero = 0x6000 };

// ".ftz": a subnormal becomes a zero of its sign.
inline float flushed(float x) { return (bits<uint32_t>(x) & 0x7f800000u) ? x : bits<float>(bits<uint32_t>(x) & 0x80000000u); }
template <class T> inline T flushed(T x) { return x; }
// ".sat": to [0, 1], a NaN to +0.
template <class T> inline T saturated(T x) { return x > 0 ? (x < 1 ? x : T(1)) : T(0); }

// The operation under a rounding mode; the empty statements keep the compiler from moving it to another one.
template <Rounding mode, bool flush, bool saturate, class R, class... A> __attribute__((noinline)) R rounded(R (*operation)(A...), A... a) {
	if (flush) ((a = flushed(a)), ...);
	const unsigned before = _mm_getcsr();
	_mm_setcsr((before & ~0x6000u) | mode);
	asm volatile("" ::: "memory");
	(([](A &x) { asm volatile("" : "+m"(x)); }(a)), ...);
	R result = operation(a...);
	asm volatile("" : "+m"(result)::"memory");
	_mm_setcsr(before);
	if (flush) result = flushed(result);
	return saturate ? saturated(result) : result;
}

// ---- conversions ----

float from_half(uint16_t);
template <Rounding> uint16_t to_half(float);
template <Rounding> uint16_t to_bfloat16(float);
template <Rounding mode> inline float integral(float x) {
	return _mm_cvtss_f32(_mm_round_ss(_mm_setzero_ps(), _mm_set_ss(x), (mode >> 13) | _MM_FROUND_NO_EXC));
}
// Saturates, a NaN becomes 0.
template <Rounding mode, class T> inline T to_integer(float x) {
	double y = integral<mode>(x);
	if (y != y) return 0;
	if (y <= (double)std::numeric_limits<T>::min()) return std::numeric_limits<T>::min();
	return y >= (double)std::numeric_limits<T>::max() ? std::numeric_limits<T>::max() : (T)y;
}

// EMULATOR_APPROXIMATE makes these differ from the rounded ones.
float approximate_ex2(float), approximate_lg2(float), approximate_rsqrt(float), approximate_rcp(float), approximate_sqrt(float), approximate_division(float, float);
} // namespace ptx
