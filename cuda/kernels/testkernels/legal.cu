// Correct kernels of the kinds that a careless check would take for races: neighbours in one word, data handed on by barriers and
// tickets. All may run as any number of blocks.
#include "../device.h"

// Threads own neighbouring 16-bit values, also across the border of two blocks, read and write them several times.
extern "C" __global__ void halves_in_place(int n, unsigned short *x) {
	int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
	if (i >= n) return;
	for (int round = 0; round < 3; round++) x[i] = (unsigned short)(x[i] + 1);
	__syncthreads();
	x[i] = (unsigned short)(x[i] + 1);
}
EXPORT_KERNEL(halves_in_place)

// Threads own neighbouring bytes; after a barrier each reads its neighbours' as one word.
extern "C" __global__ void __launch_bounds__(64) bytes_then_words(unsigned char *x, unsigned *words) {
	unsigned char *mine = x + blockIdx.x * 64;
	mine[threadIdx.x] = (unsigned char)threadIdx.x;
	__syncthreads();
	if (threadIdx.x < 16) words[blockIdx.x * 16 + threadIdx.x] = ((unsigned *)mine)[threadIdx.x];
	__syncthreads();
	mine[threadIdx.x] = 0;
}
EXPORT_KERNEL(bytes_then_words)

// Data in device memory handed to other threads by __syncthreads, and within a warp by __syncwarp.
extern "C" __global__ void __launch_bounds__(64) handed_on(float *x) {
	float *mine = x + blockIdx.x * 64;
	mine[threadIdx.x] = (float)threadIdx.x;
	__syncthreads();
	float value = mine[63 - threadIdx.x];
	__syncthreads();
	mine[threadIdx.x] = value;
	__syncwarp();
	value = mine[threadIdx.x ^ 1];
	__syncwarp();
	mine[threadIdx.x] = value + 1;
}
EXPORT_KERNEL(handed_on)

// All blocks read the weights and write a gradient each, every thread makes its own part visible; the last block sums the parts in order,
// changes the weights in place, counts with a plain read of a counter that all have changed, and sets counter and ticket back.
extern "C" __global__ void __launch_bounds__(64) last_block_updates(float *weights, float *parts, unsigned *counter, unsigned *ticket, unsigned *seen) {
	__shared__ unsigned arrival;
	parts[blockIdx.x * 64 + threadIdx.x] = weights[threadIdx.x] * 0.5f;
	atomicAdd(counter, 1u);
	__threadfence();
	__syncthreads();
	if (threadIdx.x == 0) arrival = atomicAdd(ticket, 1u);
	__syncthreads();
	if (arrival != gridDim.x - 1) return;
	__threadfence();
	float sum = 0;
	for (unsigned b = 0; b < gridDim.x; b++) sum += load_fresh(&parts[b * 64 + (threadIdx.x + 5) % 64]);
	weights[threadIdx.x] -= sum / (float)gridDim.x;
	if (threadIdx.x != 0) return;
	*seen = load_fresh(counter);
	*counter = 0;
	*ticket = 0;
}
EXPORT_KERNEL(last_block_updates)

// Groups of four blocks finish among themselves, then the last group's last block finishes all.
extern "C" __global__ void __launch_bounds__(32) two_tickets(float *parts, float *groups, unsigned *tickets, float *sum) {
	unsigned group = blockIdx.x / 4, first = group * 4, count = gridDim.x / 4;
	if (threadIdx.x != 0) return;
	parts[blockIdx.x] = (float)blockIdx.x;
	__threadfence();
	if (atomicAdd(&tickets[1 + group], 1u) != 3) return;
	__threadfence();
	float total = 0;
	for (unsigned b = first; b < first + 4; b++) total += load_fresh(&parts[b]);
	groups[group] = total;
	__threadfence();
	if (atomicAdd(&tickets[0], 1u) != count - 1) return;
	__threadfence();
	total = 0;
	for (unsigned g = 0; g < count; g++) total += load_fresh(&groups[g]);
	*sum = total;
	for (unsigned t = 0; t <= count; t++) tickets[t] = 0;
}
EXPORT_KERNEL(two_tickets)

// Vectors are read by one thread and their parts by others.
extern "C" __global__ void __launch_bounds__(32) vectors_and_parts(const float *x, float *y) {
	float4 v = ((const float4 *)x)[threadIdx.x / 4];
	float own = x[threadIdx.x];
	y[blockIdx.x * 32 + threadIdx.x] = v.x + v.y + v.z + v.w - own;
}
EXPORT_KERNEL(vectors_and_parts)
