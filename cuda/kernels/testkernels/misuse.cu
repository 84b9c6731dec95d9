// Kernels with one mistake each, to see that the emulator finds it. All run as one block of 64 threads.
//
// Needs sm_80: cp.async.
#include "../device.h"

extern "C" __global__ void missing_barrier(float *out) {
	__shared__ float values[64];
	values[threadIdx.x] = threadIdx.x;
	out[threadIdx.x] = values[(threadIdx.x + 40) % 64];
}
EXPORT_KERNEL(missing_barrier)

extern "C" __global__ void overwritten_early(float *out) {
	__shared__ float values[64];
	values[threadIdx.x] = threadIdx.x;
	__syncthreads();
	float value = values[(threadIdx.x + 40) % 64];
	values[threadIdx.x] = value * 2;
	__syncthreads();
	out[threadIdx.x] = values[threadIdx.x];
}
EXPORT_KERNEL(overwritten_early)

extern "C" __global__ void unwritten_shared(float *out) {
	__shared__ float values[64];
	if (threadIdx.x != 9) values[threadIdx.x] = 1;
	__syncthreads();
	out[threadIdx.x] = values[63 - threadIdx.x];
}
EXPORT_KERNEL(unwritten_shared)

extern "C" __global__ void missing_wait(const float *in, float *out) {
	alignas(16) __shared__ float values[256];
	copy_async(&values[threadIdx.x * 4], &in[threadIdx.x * 4]);
	copy_async_commit();
	out[threadIdx.x] = values[threadIdx.x * 4];
	copy_async_wait<0>();
}
EXPORT_KERNEL(missing_wait)

extern "C" __global__ void past_end(float *out, int n) { out[n + threadIdx.x] = 1; }
EXPORT_KERNEL(past_end)

extern "C" __global__ void divergent_shuffle(float *out) {
	float value = threadIdx.x;
	if (threadIdx.x % 2) value = warp_sum(value);
	out[threadIdx.x] = value;
}
EXPORT_KERNEL(divergent_shuffle)

extern "C" __global__ void dynamic_overflow(int bytes) {
	extern __shared__ Chunk dynamic_shared[];
	((char *)dynamic_shared)[bytes] = 1;
}
EXPORT_KERNEL(dynamic_overflow)

// Two blocks write the same 4 bytes.
extern "C" __global__ void blocks_write_same(float *out) { out[threadIdx.x] = (float)blockIdx.x; }
EXPORT_KERNEL(blocks_write_same)

// A block reads what another writes.
extern "C" __global__ void blocks_exchange(float *out) {
	unsigned me = blockIdx.x * 64 + threadIdx.x, other = (1 - blockIdx.x) * 64 + threadIdx.x;
	float value = out[other];
	out[me] = value + 1;
}
EXPORT_KERNEL(blocks_exchange)

// The last block reads the others' results, but nothing made them visible with __threadfence.
extern "C" __global__ void missing_fence(float *parts, unsigned *ticket, float *sum) {
	if (threadIdx.x != 0) return;
	parts[blockIdx.x] = 1;
	if (atomicAdd(ticket, 1u) != gridDim.x - 1) return;
	float total = 0;
	for (unsigned b = 0; b < gridDim.x; b++) total += load_fresh(&parts[b]);
	*sum = total;
}
EXPORT_KERNEL(missing_fence)

// Thread 0 signals before the other threads of its block have written.
extern "C" __global__ void missing_barrier_before_ticket(float *parts, unsigned *ticket, float *sum) {
	__shared__ unsigned arrival;
	parts[blockIdx.x * 64 + threadIdx.x] = 1;
	if (threadIdx.x == 0) {
		__threadfence();
		arrival = atomicAdd(ticket, 1u);
	}
	__syncthreads();
	if (arrival != gridDim.x - 1) return;
	float total = 0;
	for (unsigned b = 0; b < gridDim.x; b++) total += load_fresh(&parts[b * 64 + (threadIdx.x + 32) % 64]);
	sum[threadIdx.x] = total;
}
EXPORT_KERNEL(missing_barrier_before_ticket)

// A thread reads device memory that another thread of its block writes, without a barrier.
extern "C" __global__ void race_within_block(float *out) {
	out[threadIdx.x] = (float)threadIdx.x;
	float value = out[(threadIdx.x + 40) % 64];
	__syncthreads();
	out[threadIdx.x] = value;
}
EXPORT_KERNEL(race_within_block)

// Adds without an atomic operation.
extern "C" __global__ void plain_counter(unsigned *counter) {
	if (threadIdx.x == 0) counter[0] = counter[0] + 1;
}
EXPORT_KERNEL(plain_counter)

extern "C" __global__ void divergent_barrier(float *out) {
	if (threadIdx.x < 32)
		__syncthreads();
	else
		__syncthreads();
	out[threadIdx.x] = 1;
}
EXPORT_KERNEL(divergent_barrier)

extern "C" __global__ void reads_global(const float *in, float *out) { out[threadIdx.x] = in[threadIdx.x]; }
EXPORT_KERNEL(reads_global)

extern "C" __global__ void misaligned(float *out) { *(float4 *)(out + 1) = float4{1, 2, 3, 4}; }
EXPORT_KERNEL(misaligned)

extern "C" __global__ void overflows(int a, int b, int *out) { out[threadIdx.x] = a + b; }
EXPORT_KERNEL(overflows)

extern "C" __global__ void past_array(int i, float *out) {
	float values[4] = {1, 2, 3, 4};
	out[threadIdx.x] = values[i];
}
EXPORT_KERNEL(past_array)

// 40 KB of static shared memory; with 16 KB of dynamic it is too much without leave.
extern "C" __global__ void static_and_dynamic(float *out) {
	__shared__ float values[10240];
	DYNAMIC_SHARED(float, more);
	values[threadIdx.x] = more[threadIdx.x] = (float)threadIdx.x;
	__syncthreads();
	out[threadIdx.x] = values[63 - threadIdx.x] + more[63 - threadIdx.x];
}
EXPORT_KERNEL(static_and_dynamic)
