// The classifier: global average, dense layer and its gradients, in fp32 with rows [N, features] and [N, classes].
#include "source.h"

// A dense layer behind an average: y[n, c] = b[c] + sum over f of features[n, f] w[c, f], in the order of f. b nullptr for no bias, y
// nullptr for no layer.
struct Dense {
	const float *w, *b; // [classes, features], [classes]
	float *y;           // [N, classes]
	int classes;
};

// features[n, c] = the mean of a source over the pixels of image n; a block an image. A thread sums four channels of every
// (256 / quads)-th pixel, then the threads are added in order. out T, or nullptr, stores the source.
template <class T> INLINE void average(const Source &s, T *out, float *features, const Dense &d) {
	const int threads = 256;
	__shared__ Coefficients k;
	__shared__ float4 rows[threads];
	alignas(16) __shared__ float mean[max_channels];
	prepare(s, k);
	__syncthreads();
	int quads = s.channels / 4, lanes = threads / quads, area = s.height * s.width, t = (int)threadIdx.x, n = (int)blockIdx.x;
	float4 sum = {0, 0, 0, 0};
	for (int p = t / quads; p < area && t / quads < lanes; p += lanes) {
		float4 v = as_stored<T>(fetch4<T>(s, k, n, p / s.width, p % s.width, t % quads * 4));
		if (out) store4(out + ((size_t)n * area + p) * s.channels + t % quads * 4, v);
		sum = sum + v;
	}
	rows[t] = sum;
	__syncthreads();
	if (t < quads) {
		for (int l = 1; l < lanes; l++) sum = sum + rows[l * quads + t];
		float area_f = (float)area;
		sum = float4{sum.x / area_f, sum.y / area_f, sum.z / area_f, sum.w / area_f};
		store4(features + (size_t)n * s.channels + t * 4, sum);
		store4(&mean[t * 4], sum);
	}
	__syncthreads();
	for (int c = t; d.y && c < d.classes; c += threads) {
		float y = d.b ? d.b[c] : 0;
#pragma unroll 16
		for (int f = 0; f < s.channels; f++) y = fma(mean[f], d.w[(size_t)c * s.channels + f], y);
		d.y[(size_t)n * d.classes + c] = y;
	}
}

extern "C" __global__ void __launch_bounds__(256) average_f32(Source s, float *out, float *features, Dense d) { average(s, out, features, d); }
EXPORT_KERNEL(average_f32)
extern "C" __global__ void __launch_bounds__(256) average_f16(Source s, half *out, float *features, Dense d) { average(s, out, features, d); }
EXPORT_KERNEL(average_f16)

// The dense layer alone; a block a row, a thread a class.
extern "C" __global__ void __launch_bounds__(128) dense(const float *x, Dense d, int features) {
	int n = (int)blockIdx.x;
	for (int c = (int)threadIdx.x; c < d.classes; c += (int)blockDim.x) {
		float sum = d.b ? d.b[c] : 0;
		for (int f = 0; f < features; f++) sum = fma(x[(size_t)n * features + f], d.w[(size_t)c * features + f], sum);
		d.y[(size_t)n * d.classes + c] = sum;
	}
}
EXPORT_KERNEL(dense)

// The gradients of the dense layer, each if it is wanted (not nullptr), each sum in the order of its index:
// dx[n, f] = sum over c of dy[n, c] w[c, f], a block a row; then, in the blocks behind those, a thread a number,
// dw[c, f] = sum over n of dy[n, c] x[n, f], and db[c] = sum over n of dy[n, c] as one more feature.
extern "C" __global__ void __launch_bounds__(128) dense_gradients(const float *x, const float *w, const float *dy, float *dx, float *dw, float *db, int images, int features, int classes) {
	int n = (int)blockIdx.x, rows = dx ? images : 0;
	if (n < rows) {
		for (int f = (int)threadIdx.x; f < features; f += (int)blockDim.x) {
			float sum = 0;
			for (int c = 0; c < classes; c++) sum = fma(dy[(size_t)n * classes + c], w[(size_t)c * features + f], sum);
			dx[(size_t)n * features + f] = sum;
		}
		return;
	}
	int i = (n - rows) * (int)blockDim.x + (int)threadIdx.x, c = i / (features + 1), f = i % (features + 1);
	float *to = f < features ? dw : db;
	if (c >= classes || !to) return;
	float sum = 0;
	if (f < features) {
#pragma unroll 16
		for (int n = 0; n < images; n++) sum = fma(dy[(size_t)n * classes + c], x[(size_t)n * features + f], sum);
	} else {
#pragma unroll 16
		for (int n = 0; n < images; n++) sum += dy[(size_t)n * classes + c];
	}
	to[f < features ? c * features + f : c] = sum;
}
EXPORT_KERNEL(dense_gradients)
