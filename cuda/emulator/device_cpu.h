// The CPU's side of device.h: a kernel's threads are fibers, a thread block at a time on an operating-system thread.
// Names and meanings are those of ../kernels/device_ptx.h.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>
#include <initializer_list>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __launch_bounds__(...)
// A worker runs one block at a time, so its copy of the library's thread-local storage is the block's shared memory.
#define __shared__ thread_local

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) Chunk { unsigned words[4]; };
inline Chunk load_chunk(const void *p) { return *(const Chunk *)p; }
struct half { unsigned short bits; };
struct bfloat16 { unsigned short bits; };
extern thread_local Chunk dynamic_shared[];

namespace emulator {
struct Index { unsigned x, y, z; };
enum Operation { sync_warp, shuffle_lanes, vote, matrix1, matrix2, matrix4, matrix1_transposed, matrix2_transposed, matrix4_transposed, multiply_f16, multiply_bf16 };
enum AtomicOperation { atomic_add, atomic_max, atomic_or, atomic_exchange, atomic_compare };

struct Fiber {
	Index thread;
	unsigned number, warp, lane;
	unsigned *operands; // where it exchanges operands and results with its warp: register r at [32 * r]
	void *stack;        // its stack pointer while another fiber runs
};
// A worker lies at an address that is a multiple of region, and its fibers' stacks follow within region bytes: a fiber finds
// its worker by masking its stack pointer, without thread-local storage.
const uintptr_t region = 1 << 26;
struct Running {
	Fiber *fiber;
	Index block, block_size, grid_size;
};
inline Running &running() { return *(Running *)((uintptr_t)__builtin_frame_address(0) & -region); }

// Waits for all lanes of the warp; the last one does the operation for all. A lane's result replaces its operands.
// A site is the line of PTX, where that is known: it must be one for all lanes.
void together(Operation, unsigned site = 0);
void sync_block(int line);
void fence();
void copy_async(void *to, const void *from, int bytes, int source); // zeros behind the bytes of the source
void copy_async_commit();
void copy_async_wait(int pending);
uint64_t atomic(AtomicOperation, void *p, int bytes, bool is_signed, uint64_t value, uint64_t expected);

// EMULATOR_HALF=marked: what rounding to fp16 drops leaves a mark in the 4 lowest bits of the result. A value that fp16 has stays what it is.
uint16_t marked(uint16_t half, float rounded);
// EMULATOR_APPROXIMATE=2: y, an approximate function of x, is off by up to 2 units in the last place, by a hash of x, as a GPU's may be.
float near(float y, float x);

struct Kernel {
	const char *name;
	void (*entry)();
	void (*call)(void (*entry)(), const char *parameters);
	int count;                  // of parameters
	const size_t *offset, *size; // in the packed buffer
	size_t bytes;
	size_t statics = 0; // bytes of static shared memory that the kernel wants before its dynamic one
};
int add(const Kernel &);

// Where a launch's packed parameters lie, by the rules of C.
template <class... A> struct Layout {
	size_t offset[sizeof...(A)] = {}, size[sizeof...(A)] = {sizeof(A)...}, bytes = 0;
	constexpr Layout() {
		size_t align[] = {alignof(A)...};
		for (size_t i = 0; i < sizeof...(A); i++) {
			offset[i] = (bytes + align[i] - 1) & -align[i];
			bytes = offset[i] + size[i];
		}
	}
};
template <class... A> struct Parameters {
	static_assert((std::is_trivially_copyable_v<A> && ...), "a kernel's parameters are plain values");
	static constexpr Layout<A...> layout{};
	template <class T> __attribute__((no_sanitize_thread)) static T at(const char *p) {
		T value;
		__builtin_memcpy(&value, p, sizeof value);
		return value;
	}
	template <size_t... i> __attribute__((no_sanitize_thread)) static void unpack(void (*entry)(A...), const char *p, std::index_sequence<i...>) {
		entry(at<A>(p + layout.offset[i])...);
	}
	static void call(void (*entry)(), const char *p) { unpack((void (*)(A...))entry, p, std::index_sequence_for<A...>{}); }
};
template <class... A> int export_kernel(const char *name, void (*entry)(A...)) {
	using P = Parameters<A...>;
	return add({name, (void (*)())entry, P::call, sizeof...(A), P::layout.offset, P::layout.size, P::layout.bytes, 0});
}
} // namespace emulator

#define EXPORT_KERNEL(name) static int name##_exported __attribute__((unused)) = emulator::export_kernel(#name, name);
#define threadIdx (emulator::running().fiber->thread)
#define blockIdx (emulator::running().block)
#define blockDim (emulator::running().block_size)
#define gridDim (emulator::running().grid_size)

inline void __syncthreads(int line = __builtin_LINE()) { emulator::sync_block(line); }
inline void __syncwarp() { emulator::together(emulator::sync_warp); }
inline void __threadfence() { emulator::fence(); }
inline void fence_device() { emulator::fence(); }

template <class T> inline T emulator_atomic(emulator::AtomicOperation o, T *p, T v, T expected = 0) {
	return (T)emulator::atomic(o, p, sizeof(T), std::is_signed_v<T>, (uint64_t)v, (uint64_t)expected);
}
#define ATOMIC(name, operation, type) \
	inline type name(type *p, type v) { return emulator_atomic<type>(emulator::operation, p, v); }
ATOMIC(atomicAdd, atomic_add, unsigned)
ATOMIC(atomicAdd, atomic_add, int)
ATOMIC(atomicAdd, atomic_add, unsigned long long)
ATOMIC(atomicMax, atomic_max, unsigned)
ATOMIC(atomicMax, atomic_max, int)
ATOMIC(atomicOr, atomic_or, unsigned)
ATOMIC(atomicOr, atomic_or, int)
ATOMIC(atomicExch, atomic_exchange, unsigned)
ATOMIC(atomicExch, atomic_exchange, int)
#undef ATOMIC
inline unsigned arrive(unsigned *ticket) {
	emulator::fence();
	const unsigned old = atomicAdd(ticket, 1u);
	emulator::fence();
	return old;
}
inline unsigned atomicCAS(unsigned *p, unsigned expected, unsigned v) { return emulator_atomic<unsigned>(emulator::atomic_compare, p, v, expected); }
inline int atomicCAS(int *p, int expected, int v) { return emulator_atomic<int>(emulator::atomic_compare, p, v, expected); }

// ---- bits and arithmetic ----

inline unsigned bits_of(float f) { return __builtin_bit_cast(unsigned, f); }
inline float float_of(unsigned bits) { return __builtin_bit_cast(float, bits); }
inline float exp2_approx(float x) { return emulator::near(exp2f(x), x); }
inline float log2_approx(float x) { return emulator::near(log2f(x), x); }
inline float rsqrt_approx(float x) { return emulator::near((float)(1 / std::sqrt((double)x)), x); }
inline float reciprocal_approx(float x) { return emulator::near(1 / x, x); }
inline float sqrt_rn(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
inline float abs_f(float x) { return __builtin_fabsf(x); }
inline float round_even(float x) { return __builtin_rintf(x); }
inline float min_f(float a, float b) { return __builtin_fminf(a, b); }
inline float max_f(float a, float b) { return __builtin_fmaxf(a, b); }
inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

inline float to_float(half h) { return _cvtsh_ss(h.bits); }
inline half to_half(float f) { return {f == f ? emulator::marked(_cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT), f) : (unsigned short)0x7fff}; }
inline unsigned pack_half(float low, float high) {
	const unsigned first = to_half(low).bits;
	return first | (unsigned)to_half(high).bits << 16;
}
inline bfloat16 to_bfloat16(float f) {
	if (f != f) return {0x7fff};
	unsigned bits = bits_of(f);
	return {(unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

template <class T> inline T load_fresh(const T *p) { return *p; }

// ---- warp operations: all 32 lanes ----

template <class T> inline T emulator_shuffle(T value, int from) {
	unsigned *o = emulator::running().fiber->operands;
	o[0] = __builtin_bit_cast(unsigned, value);
	o[32] = (unsigned)from;
	emulator::together(emulator::shuffle_lanes);
	return __builtin_bit_cast(T, o[0]);
}
#define SHUFFLE(name, from)                                                    \
	template <class T> inline T name(T value, int lanes) {                 \
		int me = (int)emulator::running().fiber->lane;                 \
		return emulator_shuffle(value, from);                          \
	}
SHUFFLE(shuffle, (void(me), lanes & 31))
SHUFFLE(shuffle_xor, (me ^ lanes) & 31)
SHUFFLE(shuffle_down, me + lanes < 32 ? me + lanes : me)
SHUFFLE(shuffle_up, me >= lanes ? me - lanes : me)
#undef SHUFFLE
inline unsigned ballot(bool condition) {
	unsigned *o = emulator::running().fiber->operands;
	o[0] = condition;
	emulator::together(emulator::vote);
	return o[0];
}

// ---- tensor cores ----

template <emulator::Operation type, int n> inline void emulator_load(unsigned (&r)[n], const void *row) {
	unsigned *o = emulator::running().fiber->operands;
	o[0] = (unsigned)(uintptr_t)row;
	o[32] = (unsigned)((uintptr_t)row >> 32);
	emulator::together(type);
	for (int i = 0; i < n; i++) r[i] = o[32 * i];
}
struct InShared { const void *at; };
inline InShared in_shared(const void *p) { return {p}; }
inline InShared further(InShared p, int bytes) { return {(const char *)p.at + bytes}; }
inline void load_matrix(unsigned (&r)[4], InShared row, int bytes) { emulator_load<emulator::matrix4>(r, (const char *)row.at + bytes); }
inline void load_matrix_transposed(unsigned (&r)[4], InShared row, int bytes) { emulator_load<emulator::matrix4_transposed>(r, (const char *)row.at + bytes); }
inline void load_matrix(unsigned (&r)[4], const void *row) { emulator_load<emulator::matrix4>(r, row); }
inline void load_matrix(unsigned (&r)[2], const void *row) { emulator_load<emulator::matrix2>(r, row); }
inline void load_matrix(unsigned (&r)[1], const void *row) { emulator_load<emulator::matrix1>(r, row); }
inline void load_matrix_transposed(unsigned (&r)[4], const void *row) { emulator_load<emulator::matrix4_transposed>(r, row); }
inline void load_matrix_transposed(unsigned (&r)[2], const void *row) { emulator_load<emulator::matrix2_transposed>(r, row); }
inline void load_matrix_transposed(unsigned (&r)[1], const void *row) { emulator_load<emulator::matrix1_transposed>(r, row); }

template <emulator::Operation type> inline void emulator_multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
	unsigned *o = emulator::running().fiber->operands;
	for (int i = 0; i < 4; i++) o[32 * i] = bits_of(d[i]), o[128 + 32 * i] = a[i];
	o[256] = b0, o[288] = b1;
	emulator::together(type);
	for (int i = 0; i < 4; i++) d[i] = float_of(o[32 * i]);
}
inline void mma_f16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) { emulator_multiply<emulator::multiply_f16>(d, a, b0, b1); }
inline void mma_bf16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) { emulator_multiply<emulator::multiply_bf16>(d, a, b0, b1); }

// ---- asynchronous copies from global to shared memory ----

template <int bytes = 16> inline void copy_async(void *to, const void *from, bool valid = true) {
	static_assert(bytes == 4 || bytes == 8 || bytes == 16, "cp.async copies 4, 8 or 16 bytes");
	emulator::copy_async(to, from, bytes, valid ? bytes : 0);
}
inline void copy_async(InShared to, int to_bytes, const void *from, int from_bytes) { copy_async((char *)to.at + to_bytes, (const char *)from + from_bytes); }
inline void copy_async_commit() { emulator::copy_async_commit(); }
template <int pending> inline void copy_async_wait() { emulator::copy_async_wait(pending); }
