// The GPU's side of device.h: inline PTX 7.8. With clang it needs no CUDA headers; nvcc brings the names of the first part itself.
#pragma once

#ifdef __clang__
typedef __SIZE_TYPE__ size_t;
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))

struct Index { unsigned x, y, z; };
#define SPECIAL1(name) ((unsigned)__nvvm_read_ptx_sreg_##name())
#define SPECIAL(name) (Index{SPECIAL1(name##_x), SPECIAL1(name##_y), SPECIAL1(name##_z)})
#define threadIdx SPECIAL(tid)
#define blockIdx SPECIAL(ctaid)
#define blockDim SPECIAL(ntid)
#define gridDim SPECIAL(nctaid)

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };

__device__ inline void __syncwarp() { asm volatile("bar.warp.sync 0xffffffff;" ::: "memory"); }
__device__ inline void __threadfence() { asm volatile("membar.gl;" ::: "memory"); }

#define ATOMIC(name, instruction, type, constraint)                                                              \
	__device__ inline type name(type *p, type v) {                                                            \
		type old;                                                                                          \
		asm volatile(instruction " %0, [%1], %2;" : "=" constraint(old) : "l"(p), constraint(v) : "memory"); \
		return old;                                                                                        \
	}
ATOMIC(atomicAdd, "atom.add.u32", unsigned, "r")
ATOMIC(atomicAdd, "atom.add.s32", int, "r")
ATOMIC(atomicAdd, "atom.add.u64", unsigned long long, "l")
ATOMIC(atomicMax, "atom.max.u32", unsigned, "r")
ATOMIC(atomicMax, "atom.max.s32", int, "r")
ATOMIC(atomicOr, "atom.or.b32", unsigned, "r")
ATOMIC(atomicOr, "atom.or.b32", int, "r")
ATOMIC(atomicExch, "atom.exch.b32", unsigned, "r")
ATOMIC(atomicExch, "atom.exch.b32", int, "r")
#undef ATOMIC
__device__ inline unsigned atomicCAS(unsigned *p, unsigned expected, unsigned v) {
	unsigned old;
	asm volatile("atom.cas.b32 %0, [%1], %2, %3;" : "=r"(old) : "l"(p), "r"(expected), "r"(v) : "memory");
	return old;
}
__device__ inline int atomicCAS(int *p, int expected, int v) { return (int)atomicCAS((unsigned *)p, (unsigned)expected, (unsigned)v); }
#endif

// One instruction for fence, addition and fence: what comes after waits for the answer, not for a second fence.
__device__ inline unsigned arrive(unsigned *ticket) {
	unsigned old;
	asm volatile("atom.acq_rel.gpu.add.u32 %0, [%1], 1;" : "=r"(old) : "l"(ticket) : "memory");
	return old;
}
__device__ inline void fence_device() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }

#define EXPORT_KERNEL(name)

struct half { unsigned short bits; };
struct bfloat16 { unsigned short bits; };
struct alignas(16) Chunk { unsigned words[4]; };

#ifdef __clang__
#define KNOWN "i" // a number known when it is compiled
// Of a struct clang may make four loads.
__device__ inline Chunk load_chunk(const void *p) {
	typedef unsigned Four __attribute__((ext_vector_type(4)));
	const Four v = *(const Four *)p;
	return {{v.x, v.y, v.z, v.w}};
}
#else
#define KNOWN "n"
__device__ inline Chunk load_chunk(const void *p) { return *(const Chunk *)p; }
#endif

// ---- bits and arithmetic ----

__device__ inline unsigned bits_of(float f) { return __builtin_bit_cast(unsigned, f); }
__device__ inline float float_of(unsigned bits) { return __builtin_bit_cast(float, bits); }

#define UNARY(name, instruction)                                   \
	__device__ inline float name(float x) {                    \
		float y;                                            \
		asm(instruction " %0, %1;" : "=f"(y) : "f"(x));     \
		return y;                                           \
	}
UNARY(exp2_approx, "ex2.approx.f32")
UNARY(log2_approx, "lg2.approx.f32")
UNARY(rsqrt_approx, "rsqrt.approx.f32")
UNARY(reciprocal_approx, "rcp.approx.f32")
UNARY(sqrt_rn, "sqrt.rn.f32")
UNARY(abs_f, "abs.f32")
UNARY(round_even, "cvt.rni.f32.f32")
#undef UNARY
__device__ inline float min_f(float a, float b) { return __builtin_fminf(a, b); }
__device__ inline float max_f(float a, float b) { return __builtin_fmaxf(a, b); }
__device__ inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

__device__ inline float to_float(half h) {
	float f;
	asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h.bits));
	return f;
}
__device__ inline half to_half(float f) {
	half h;
	asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(f));
	return h;
}
// From sm_80 on one instruction rounds two values, at several times the speed of two that round one.
__device__ inline unsigned pack_half(float low, float high) {
#if __CUDA_ARCH__ >= 800
	unsigned word;
	asm("cvt.rn.f16x2.f32 %0, %2, %1;" : "=r"(word) : "f"(low), "f"(high));
	return word;
#else
	return to_half(low).bits | (unsigned)to_half(high).bits << 16;
#endif
}
__device__ inline bfloat16 to_bfloat16(float f) {
	bfloat16 b;
	asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(b.bits) : "f"(f));
	return b;
}

// Reads what another block wrote during this launch: never from a cache that other blocks do not share.
__device__ inline float load_fresh(const float *p) { return *(const volatile float *)p; }
__device__ inline unsigned load_fresh(const unsigned *p) { return *(const volatile unsigned *)p; }
__device__ inline int load_fresh(const int *p) { return *(const volatile int *)p; }
__device__ inline float4 load_fresh(const float4 *p) {
	float4 v;
	asm volatile("ld.volatile.global.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(p) : "memory");
	return v;
}

// ---- warp operations: all 32 lanes ----

#define SHUFFLE(name, mode, bound)                                                                    \
	__device__ inline unsigned name(unsigned value, int lanes) {                                   \
		unsigned result;                                                                       \
		asm volatile("shfl.sync." mode ".b32 %0, %1, %2, " bound ", 0xffffffff;"               \
			: "=r"(result) : "r"(value), "r"(lanes));                                      \
		return result;                                                                         \
	}                                                                                              \
	__device__ inline int name(int value, int lanes) { return (int)name((unsigned)value, lanes); } \
	__device__ inline float name(float value, int lanes) { return float_of(name(bits_of(value), lanes)); }
SHUFFLE(shuffle, "idx", "0x1f")
SHUFFLE(shuffle_xor, "bfly", "0x1f")
SHUFFLE(shuffle_down, "down", "0x1f")
SHUFFLE(shuffle_up, "up", "0x0")
#undef SHUFFLE

// The set of lanes for which the condition holds.
__device__ inline unsigned ballot(bool condition) {
	unsigned lanes;
	asm volatile("{ .reg .pred p; setp.ne.u32 p, %1, 0; vote.sync.ballot.b32 %0, p, 0xffffffff; }" : "=r"(lanes) : "r"((unsigned)condition));
	return lanes;
}

// ---- tensor cores ----

__device__ inline unsigned shared_address(const void *p) {
	unsigned a;
	asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(a) : "l"(p));
	return a;
}

struct InShared { unsigned address; };
__device__ inline InShared in_shared(const void *p) { return {shared_address(p)}; }
__device__ inline InShared further(InShared p, int bytes) { return {p.address + (unsigned)bytes}; }

#define LOAD_MATRIX(name, transposed)                                                                                   \
	__device__ inline void name(unsigned (&r)[4], InShared row, int bytes) {                                            \
		asm volatile("ldmatrix.sync.aligned.m8n8.x4" transposed ".shared.b16 {%0,%1,%2,%3}, [%4+%5];"            \
			: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(row.address), KNOWN(bytes) : "memory");   \
	}                                                                                                                \
	__device__ inline void name(unsigned (&r)[4], const void *row) {                                                 \
		asm volatile("ldmatrix.sync.aligned.m8n8.x4" transposed ".shared.b16 {%0,%1,%2,%3}, [%4];"               \
			: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");         \
	}                                                                                                                \
	__device__ inline void name(unsigned (&r)[2], const void *row) {                                                 \
		asm volatile("ldmatrix.sync.aligned.m8n8.x2" transposed ".shared.b16 {%0,%1}, [%2];"                     \
			: "=r"(r[0]), "=r"(r[1]) : "r"(shared_address(row)) : "memory");                                 \
	}                                                                                                                \
	__device__ inline void name(unsigned (&r)[1], const void *row) {                                                 \
		asm volatile("ldmatrix.sync.aligned.m8n8.x1" transposed ".shared.b16 {%0}, [%1];"                        \
			: "=r"(r[0]) : "r"(shared_address(row)) : "memory");                                             \
	}
LOAD_MATRIX(load_matrix, "")
LOAD_MATRIX(load_matrix_transposed, ".trans")
#undef LOAD_MATRIX

#define MMA(name, type)                                                                                                       \
	__device__ inline void name(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {                         \
		asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 "                                    \
			"{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                                \
			: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                       \
			: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                                       \
	}
MMA(mma_f16, "f16")
MMA(mma_bf16, "bf16")
#undef MMA

// ---- asynchronous copies from global to shared memory ----

template <int bytes = 16> __device__ inline void copy_async(void *to, const void *from, bool valid = true) {
	static_assert(bytes == 4 || bytes == 8 || bytes == 16, "cp.async copies 4, 8 or 16 bytes");
	if constexpr (bytes == 16)
		asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(shared_address(to)), "l"(from), "r"(valid ? bytes : 0) : "memory");
	else
		asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;" :: "r"(shared_address(to)), "l"(from), "r"(valid ? bytes : 0), "n"(bytes) : "memory");
}
__device__ inline void copy_async(InShared to, int to_bytes, const void *from, int from_bytes) {
	asm volatile("cp.async.cg.shared.global [%0+%1], [%2+%3], 16;" :: "r"(to.address), KNOWN(to_bytes), "l"(from), KNOWN(from_bytes) : "memory");
}
__device__ inline void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending> __device__ inline void copy_async_wait() { asm volatile("cp.async.wait_group %0;" :: "n"(pending) : "memory"); }
