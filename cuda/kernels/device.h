// The one vocabulary of our kernels. A kernel includes this file and nothing else; it then compiles twice: to PTX for a
// GPU (clang-19 or nvcc, device_ptx.h) and with g++ into the driver emulator (../emulator/device_cpu.h).
//
// What a kernel may use
//   qualifiers   extern "C" __global__ void name(...), __device__ inline, __shared__, __launch_bounds__(threads[, blocks])
//   export       EXPORT_KERNEL(name) after each kernel: the emulator finds it by that name. Parameters are pointers, int,
//                unsigned, float, 64-bit integers and plain structs of those; the host packs them by the rules of C.
//   threads      threadIdx, blockIdx, blockDim, gridDim, each .x .y .z; lane() is threadIdx.x % 32. Blocks that use a warp
//                operation have a multiple of 32 threads, and all 32 lanes of a warp reach it together.
//   shared       __shared__ T a[n] (static, 48 KB at most); DYNAMIC_SHARED(T, p) declares T *p, the dynamic shared memory
//                of the launch, 16-byte aligned (more than 48 KB: Function.AllowShared on the host).
//   order        __syncthreads() - every thread of the block, at the same source line; __syncwarp(); __threadfence(), and
//                fence_device(), which only releases and acquires and costs less.
//                Blocks never wait for each other. "The last block to arrive finishes": write, __syncthreads(), then in one
//                thread arrive(ticket), which counts one more, shows what was written before and sees what others wrote before
//                they arrived, and returns the count before; then __syncthreads(); the last block reads the others' results
//                through load_fresh(). The same with atomicAdd takes a fence_device() on each side of it.
//   atomics      atomicAdd, atomicMax, atomicOr, atomicExch, atomicCAS on unsigned and int, atomicAdd on 64 bits; they
//                return the old value. None on floats: the order of a float sum must not depend on timing.
//   warp         shuffle(v, lane), shuffle_xor(v, mask), shuffle_down(v, n), shuffle_up(v, n) on float, int and unsigned;
//                ballot(bool); warp_sum(float|int|unsigned), warp_max(float): every lane gets the result, in a fixed order.
//   target       kernels are compiled for sm_70. Tensor cores, cp.async and bfloat16 need sm_80: a source that uses them has a comment
//                line that begins with "Needs sm_80:" and says why.
//   vectors      float2, float4, uint2, uint4 (aligned to their size: one memory access), Chunk (16 bytes), load_chunk(p)
//   16 bits      half and bfloat16 hold bits; to_float(h), to_half(f), to_bfloat16(f) round to nearest even; two in a word
//                (first in the low half): pack_half(a, b), pack_bfloat16(a, b), unpack_half(w), unpack_bfloat16(w) -> float2
//   tensor cores mma_f16(d, a, b0, b1), mma_bf16(...): d[4] += A x B, m16n8k16, fp32 sums. Lane l of the warp holds, with
//                r = l/4 and c = 2*(l%4): a[0] A[r][c..c+1], a[1] A[r+8][c..], a[2] A[r][c+8..], a[3] A[r+8][c+8..];
//                b0 B[c..c+1][r], b1 B[c+8..][r]; d[0],d[1] D[r][c], D[r][c+1]; d[2],d[3] D[r+8][c], D[r+8][c+1].
//                load_matrix(r, row): r is unsigned[1], [2] or [4], a register for each 8x8 matrix of 16-bit values; lane l
//                gives the address (shared, 16-byte aligned) of row l%8 of matrix l/8, and receives elements c, c+1 of row
//                l/4 of each. load_matrix_transposed gives rows c, c+1 of column l/4.
//   cp.async     copy_async<bytes>(to_shared, from_global[, valid]): 4, 8 or 16 aligned bytes, zeros if !valid (from is then
//                not read); copy_async_commit(); copy_async_wait<n>() leaves the n latest groups pending. Then a barrier.
//                InShared in_shared(p) is a place in shared memory, further(place, bytes) another. load_matrix and load_matrix_transposed take (r, place, bytes) and
//                copy_async (place, bytes, from, bytes), distances that the compiler knows: then part of the instruction, for which
//                it computes no address.
//   arithmetic   + - * / and sqrt_rn are IEEE, and a * b + c is never contracted: write fma(a, b, c) for one rounding.
//                min_f, max_f, abs_f, round_even; exp2_approx, log2_approx, rsqrt_approx, reciprocal_approx (about 2 ulp);
//                multiply_high(a, b) upper half of a 64-bit product; bits_of(float), float_of(unsigned).
#pragma once
#if defined(__CUDA__) || defined(__CUDACC__)
#include "device_ptx.h"
#else
#include "../emulator/device_cpu.h"
#endif

const int warp_size = 32;

__device__ inline int lane() { return (int)(threadIdx.x % warp_size); }

#define DYNAMIC_SHARED(type, name)               \
	extern __shared__ Chunk dynamic_shared[]; \
	type *name = (type *)dynamic_shared

// Adds over the 32 lanes of a warp, in the order of a butterfly; every lane gets the sum.
template <class T> __device__ inline T warp_sum(T value) {
	for (int step = warp_size / 2; step > 0; step /= 2) value += shuffle_xor(value, step);
	return value;
}

// The largest over the 32 lanes of a warp; every lane gets it.
__device__ inline float warp_max(float value) {
	for (int step = warp_size / 2; step > 0; step /= 2) value = max_f(value, shuffle_xor(value, step));
	return value;
}

__device__ inline unsigned pack(unsigned short low, unsigned short high) { return low | (unsigned)high << 16; }
__device__ inline unsigned pack_bfloat16(float low, float high) { return pack(to_bfloat16(low).bits, to_bfloat16(high).bits); }
__device__ inline float to_float(bfloat16 b) { return float_of((unsigned)b.bits << 16); }
__device__ inline float2 unpack_half(unsigned word) {
	return float2{to_float(half{(unsigned short)word}), to_float(half{(unsigned short)(word >> 16)})};
}
__device__ inline float2 unpack_bfloat16(unsigned word) { return float2{float_of(word << 16), float_of(word & 0xffff0000u)}; }

// The upper 32 bits of a 32 x 32 bit product (Philox needs them).
__device__ inline unsigned multiply_high(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
