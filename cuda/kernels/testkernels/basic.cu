// Kernels that show the vocabulary of device.h at work: pointwise, a reduction that the last block finishes, and tensor-core fragments.
//
// Needs sm_80: mma.m16n8k16 and conversion to bfloat16.
#include "../device.h"

// y[i] += a * x[i], i < n.
extern "C" __global__ void saxpy(int n, float a, const float *x, float *y) {
	int i = blockIdx.x * blockDim.x + threadIdx.x;
	if (i < n) y[i] += a * x[i];
}
EXPORT_KERNEL(saxpy)

// Sums x[0..n) into sum[0]: every block writes its part, the block that arrives last adds the parts in order.
extern "C" __global__ void __launch_bounds__(256) block_sum(int n, const float *x, float *parts, unsigned *ticket, float *sum) {
	__shared__ float warps[8];
	__shared__ unsigned arrival;
	float value = 0;
	for (int i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) value += x[i];
	value = warp_sum(value);
	if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
	__syncthreads();
	if (threadIdx.x == 0) {
		float total = 0;
		for (int w = 0; w < 8; w++) total += warps[w];
		parts[blockIdx.x] = total;
		__threadfence();
		arrival = atomicAdd(ticket, 1);
	}
	__syncthreads();
	if (arrival != gridDim.x - 1 || threadIdx.x != 0) return;
	__threadfence();
	float total = 0;
	for (unsigned b = 0; b < gridDim.x; b++) total += load_fresh(&parts[b]);
	*sum = total;
	*ticket = 0; // for the next launch
}
EXPORT_KERNEL(block_sum)

// One warp multiplies fragments held in registers, over and over: the speed of mma alone.
extern "C" __global__ void __launch_bounds__(256) mma_speed(int rounds, float *out) {
	float d[4] = {};
	unsigned one = 0x3c003c00, a[4] = {one, one, one, one};
	for (int i = 0; i < rounds; i++) mma_f16(d, a, one, one);
	out[blockIdx.x * blockDim.x + threadIdx.x] = d[0];
}
EXPORT_KERNEL(mma_speed)

// d = a x b + c for every element type and fragment position: a [16,16], b [16,8], c and d [16,8], row-major 16-bit bits and floats.
extern "C" __global__ void __launch_bounds__(32) mma_layout(int bf16, const unsigned short *a, const unsigned short *b, const float *c, float *d) {
	alignas(16) __shared__ unsigned short as[16][24], bs[16][24];
	int lane = threadIdx.x, row = lane / 4, column = lane % 4 * 2;
	for (int i = lane; i < 256; i += 32) as[i / 16][i % 16] = a[i];
	for (int i = lane; i < 256; i += 32) bs[i / 16][i % 16] = i % 16 < 8 ? b[i / 16 * 8 + i % 16] : 0;
	__syncwarp();
	unsigned fa[4], fb[4];
	load_matrix(fa, &as[lane % 16][lane / 16 * 8]);
	load_matrix_transposed(fb, &bs[lane % 16][lane / 16 * 8]);
	float s[4];
	for (int i = 0; i < 4; i++) s[i] = c[(row + i / 2 * 8) * 8 + column + i % 2];
	if (bf16) mma_bf16(s, fa, fb[0], fb[1]);
	else mma_f16(s, fa, fb[0], fb[1]);
	for (int i = 0; i < 4; i++) d[(row + i / 2 * 8) * 8 + column + i % 2] = s[i];
}
EXPORT_KERNEL(mma_layout)

// The same product through the smaller ldmatrix: x2 for the columns of a, x1 for the rows of b, and x2 transposed for b.
extern "C" __global__ void __launch_bounds__(32) mma_parts(const unsigned short *a, const unsigned short *b, const float *c, float *d) {
	alignas(16) __shared__ unsigned short as[16][24], bs[16][24];
	int row = lane() / 4, column = lane() % 4 * 2;
	for (int i = lane(); i < 256; i += 32) as[i / 16][i % 16] = a[i];
	for (int i = lane(); i < 128; i += 32) bs[i / 8][i % 8] = b[i];
	__syncwarp();
	unsigned left[2], right[2], fb[2], first[1];
	load_matrix(left, &as[lane() % 16][0]);
	load_matrix(right, &as[lane() % 16][8]);
	load_matrix_transposed(fb, &bs[lane() % 16][0]);
	load_matrix_transposed(first, &bs[lane() % 8][0]);
	unsigned fa[4] = {left[0], left[1], right[0], right[1]};
	float s[4];
	for (int i = 0; i < 4; i++) s[i] = c[(row + i / 2 * 8) * 8 + column + i % 2];
	mma_f16(s, fa, first[0], fb[1]);
	for (int i = 0; i < 4; i++) d[(row + i / 2 * 8) * 8 + column + i % 2] = s[i];
}
EXPORT_KERNEL(mma_parts)

// Every lane's results of the warp operations on its own number l, out [11, 32]: shuffle by 5, xor 3, down 4, up 4, ballot of odd lanes,
// sum of l, largest of -l, then the same four shuffles of -l as int.
extern "C" __global__ void __launch_bounds__(32) warp_operations(float *out) {
	int l = lane();
	float f = (float)l;
	out[l] = shuffle(f, 5);
	out[32 + l] = shuffle_xor(f, 3);
	out[64 + l] = shuffle_down(f, 4);
	out[96 + l] = shuffle_up(f, 4);
	out[128 + l] = ballot(l % 2) == 0xaaaaaaaau;
	out[160 + l] = warp_sum(f);
	out[192 + l] = warp_max(-f);
	out[224 + l] = (float)shuffle(-l, 5);
	out[256 + l] = (float)shuffle_xor(-l, 3);
	out[288 + l] = (float)shuffle_down(-l, 4);
	out[320 + l] = (float)shuffle_up(-l, 4);
}
EXPORT_KERNEL(warp_operations)

// Conversions of x [n]: to half [n] and bfloat16 [n] bits, and both back, back [2, n].
extern "C" __global__ void convert(int n, const float *x, unsigned short *halves, unsigned short *bfloats, float *back) {
	int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
	if (i >= n) return;
	half h = to_half(x[i]);
	bfloat16 b = to_bfloat16(x[i]);
	halves[i] = h.bits;
	bfloats[i] = b.bits;
	back[i] = unpack_half(pack_half(0, x[i])).y;
	back[n + i] = unpack_bfloat16(pack_bfloat16(x[i], 0)).x;
}
EXPORT_KERNEL(convert)

// Integer atomics by all threads: counters [6] add, add signed, max, max signed, or, compare-and-swap from 0; wide [1] adds 2^32.
extern "C" __global__ void atomics(int *signed_counters, unsigned *counters, unsigned long long *wide) {
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
	atomicAdd(&counters[0], 1u);
	atomicAdd(&signed_counters[0], -1);
	atomicMax(&counters[1], i);
	atomicMax(&signed_counters[1], -5 - (int)i);
	atomicOr(&counters[2], 1u << i % 32);
	atomicCAS(&counters[3], 0u, 7u);
	atomicExch(&counters[4], 9u);
	atomicAdd(wide, 1ull << 32);
}
EXPORT_KERNEL(atomics)

struct Scale { float factor; int offset; const float *in; };
// out[i] = factor * in[i + offset], from a struct as parameter after a smaller one.
extern "C" __global__ void by_struct(int n, Scale s, float *out) {
	int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
	if (i < n) out[i] = s.factor * s.in[i + s.offset];
}
EXPORT_KERNEL(by_struct)

// Every other float of x [n] is read, the first n/4 floats of y written: the sectors of both are known by hand.
extern "C" __global__ void sectors(int n, const float *x, float *y) {
	int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
	if (i < n / 2 && x[2 * i] >= 0 && i < n / 4) y[i] = 1;
}
EXPORT_KERNEL(sectors)

// exp2, log2, reciprocal square root, reciprocal, square root, round to even of x [n], out [6, n].
extern "C" __global__ void functions(int n, const float *x, float *out) {
	int i = (int)threadIdx.x;
	if (i >= n) return;
	out[i] = exp2_approx(x[i]);
	out[n + i] = log2_approx(x[i]);
	out[2 * n + i] = rsqrt_approx(x[i]);
	out[3 * n + i] = reciprocal_approx(x[i]);
	out[4 * n + i] = sqrt_rn(x[i]);
	out[5 * n + i] = round_even(x[i]);
}
EXPORT_KERNEL(functions)

// Asynchronous copies of every size, in two groups, and zeros where a copy is not valid: in [64] -> out [5, 32]: 4 bytes a lane, 8 bytes
// a lane (x then y), 16 bytes a lane for lanes 0..7 in order, and 16 bytes not valid.
extern "C" __global__ void __launch_bounds__(32) copy_sizes(const float *in, float *out) {
	alignas(16) __shared__ float four[32], zeros[32];
	alignas(16) __shared__ float2 eight[32];
	alignas(16) __shared__ float4 sixteen[8];
	int l = lane();
	copy_async<4>(&four[l], &in[l]);
	copy_async<8>(&eight[l], &in[2 * l]);
	copy_async_commit();
	if (l < 8) {
		copy_async(&sixteen[l], &in[4 * l]);
		copy_async(&zeros[4 * l], in, false);
	}
	copy_async_commit();
	copy_async_wait<1>();
	out[l] = four[l];
	out[32 + l] = eight[l].x;
	out[64 + l] = eight[l].y;
	copy_async_wait<0>();
	__syncwarp();
	out[96 + l] = ((float *)sixteen)[l];
	out[128 + l] = zeros[l];
}
EXPORT_KERNEL(copy_sizes)

// The upper halves of products with 0xd2511f53 (Philox), and a float4 that is read past all caches.
extern "C" __global__ void __launch_bounds__(32) products(const unsigned *x, unsigned *high, const float4 *in, float4 *out) {
	high[threadIdx.x] = multiply_high(x[threadIdx.x], 0xd2511f53u);
	if (threadIdx.x == 0) *out = load_fresh(in);
}
EXPORT_KERNEL(products)
