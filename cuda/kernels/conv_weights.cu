// The gradient of a convolution's weights, in fp32 arithmetic on CUDA cores.
//
// dw[ky, kx, i, o] = sum over n, oy, ox of x[n, oy stride - pad + ky, ox stride - pad + kx, i] dy[n, oy, ox, o].
//
// A block of 128 threads takes a slice of the batch and 16 input times 16 output channels; a thread one input and four output channels,
// all taps in registers, and every other row of a band of 4 rows. Shared memory: the band of dy and the x under it. A sum runs over the
// slice's images, bands, rows and columns by fma; then the two halves of the block are added; the update adds the slices in order.
#include "source.h"

const int threads = 128, side = 16, band = 4;

struct ConvWeights {
	Source x, dy;
	float *parts; // [slices, K, K, inputs, outputs]
	int images, slices, inputs, pad, stride;
};

template <class T, int window, int stride> INLINE void conv_weights(const ConvWeights &p) {
	const int columns = 32 / stride, high = (band - 1) * stride + window, wide = (columns - 1) * stride + window, taps = window * window;
	alignas(16) __shared__ float x[high * wide * side];
	alignas(16) __shared__ float dy[band * columns * side];
	alignas(16) __shared__ float other[taps * 64 * 4];
	__shared__ Coefficients kx, kdy;
	int t = (int)threadIdx.x, half_block = t / 64, i = t / 4 % side, o = t % 4 * 4;
	int first_input = (int)blockIdx.y * side, first_output = (int)blockIdx.z * side;
	prepare(p.x, kx);
	prepare(p.dy, kdy);
	float4 sum[taps] = {};
	int slice = (int)blockIdx.x, begin = p.images * slice / p.slices, end = p.images * (slice + 1) / p.slices;
	for (int n = begin; n < end; n++)
		for (int y0 = 0; y0 < p.dy.height; y0 += band)
			for (int x0 = 0; x0 < p.dy.width; x0 += columns) {
				__syncthreads();
				for (int k = t; k < high * wide * (side / 4); k += threads) {
					int c = first_input + k % (side / 4) * 4, pixel = k / (side / 4);
					int yy = y0 * stride - p.pad + pixel / wide, xx = x0 * stride - p.pad + pixel % wide;
					float4 v = {0, 0, 0, 0};
					if (c < p.x.channels && yy >= 0 && xx >= 0 && yy < p.x.height && xx < p.x.width) v = as_stored<T>(fetch4<T>(p.x, kx, n, yy, xx, c));
					*(float4 *)&x[k * 4] = v;
				}
				for (int k = t; k < band * columns * (side / 4); k += threads) {
					int c = first_output + k % (side / 4) * 4, pixel = k / (side / 4), yy = y0 + pixel / columns, xx = x0 + pixel % columns;
					float4 v = {0, 0, 0, 0};
					if (c < p.dy.channels && yy < p.dy.height && xx < p.dy.width) v = as_stored<T>(fetch4<T>(p.dy, kdy, n, yy, xx, c));
					*(float4 *)&dy[k * 4] = v;
				}
				__syncthreads();
				int last = p.dy.width - x0 < columns ? p.dy.width - x0 : columns;
				for (int row = half_block; row < band; row += 2)
					for (int column = 0; column < last; column++) {
						float4 g = load4(&dy[(row * columns + column) * side + o]);
#pragma unroll
						for (int tap = 0; tap < taps; tap++) {
							float v = x[((row * stride + tap / window) * wide + column * stride + tap % window) * side + i];
							sum[tap] = fma4(float4{v, v, v, v}, g, sum[tap]);
						}
					}
			}
	__syncthreads();
#pragma unroll
	for (int tap = 0; tap < taps; tap++)
		if (half_block) store4(&other[(tap * 64 + t % 64) * 4], sum[tap]);
	__syncthreads();
	i += first_input;
	o += first_output;
	if (half_block || i >= p.inputs || o >= p.dy.channels) return;
#pragma unroll
	for (int tap = 0; tap < taps; tap++)
		store4(p.parts + (((size_t)slice * taps + tap) * p.inputs + i) * p.dy.channels + o, sum[tap] + load4(&other[(tap * 64 + t) * 4]));
}

#define CONV_WEIGHTS(window, stride)                                                                                                                         \
	extern "C" __global__ void __launch_bounds__(threads, 3) conv_weights##window##stride##_f32(ConvWeights p) { conv_weights<float, window, stride>(p); } \
	EXPORT_KERNEL(conv_weights##window##stride##_f32)                                                                                                    \
	extern "C" __global__ void __launch_bounds__(threads, 3) conv_weights##window##stride##_f16(ConvWeights p) { conv_weights<half, window, stride>(p); }  \
	EXPORT_KERNEL(conv_weights##window##stride##_f16)
CONV_WEIGHTS(3, 1)
CONV_WEIGHTS(3, 2)
CONV_WEIGHTS(1, 1)
CONV_WEIGHTS(1, 2)
