// The classifier: global average, dense layer and its gradients. All in fp32 with rows [N, features] and [N, classes].
#include "source.h"

// features[n, c] = the mean of a source over the pixels of image n; a block an image. A thread sums four channels of every
// (256 / quads)-th pixel, then the threads are added in order. out T, or nullptr, stores the source.
template <class T> __device__ inline void average(const Source &s, T *out, float *features) {
	const int threads = 256;
	__shared__ Coefficients k;
	__shared__ float4 rows[threads];
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
	if (t >= quads) return;
	for (int l = 1; l < lanes; l++) sum = sum + rows[l * quads + t];
	float area_f = (float)area;
	store4(features + (size_t)n * s.channels + t * 4, float4{sum.x / area_f, sum.y / area_f, sum.z / area_f, sum.w / area_f});
}

extern "C" __global__ void __launch_bounds__(256) average_f32(Source s, float *out, float *features) { average(s, out, features); }
EXPORT_KERNEL(average_f32)
extern "C" __global__ void __launch_bounds__(256) average_f16(Source s, half *out, float *features) { average(s, out, features); }
EXPORT_KERNEL(average_f16)

// y[n, c] = b[c] + sum over f of x[n, f] w[c, f], in the order of f; a block a row, a thread a class.
extern "C" __global__ void __launch_bounds__(128) dense(const float *x, const float *w, const float *b, float *y, int features, int classes) {
	int n = (int)blockIdx.x;
	for (int c = (int)threadIdx.x; c < classes; c += (int)blockDim.x) {
		float sum = b[c];
		for (int f = 0; f < features; f++) sum = fma(x[(size_t)n * features + f], w[(size_t)c * features + f], sum);
		y[(size_t)n * classes + c] = sum;
	}
}
EXPORT_KERNEL(dense)

// dx[n, f] = sum over c of dy[n, c] w[c, f], in the order of c; a block a row, a thread a feature.
extern "C" __global__ void __launch_bounds__(128) dense_input(const float *w, const float *dy, float *dx, int features, int classes) {
	int n = (int)blockIdx.x;
	for (int f = (int)threadIdx.x; f < features; f += (int)blockDim.x) {
		float sum = 0;
		for (int c = 0; c < classes; c++) sum = fma(dy[(size_t)n * classes + c], w[(size_t)c * features + f], sum);
		dx[(size_t)n * features + f] = sum;
	}
}
EXPORT_KERNEL(dense_input)

// dw[c, f] = sum over n of dy[n, c] x[n, f], and db[c] = sum over n of dy[n, c] as one more feature, in the order of n; a thread a sum.
// Either result may be nullptr.
extern "C" __global__ void __launch_bounds__(128) dense_weights(const float *x, const float *dy, float *dw, float *db, int images, int features, int classes) {
	int i = (int)(blockIdx.x * blockDim.x + threadIdx.x), c = i / (features + 1), f = i % (features + 1);
	float *to = f < features ? dw : db;
	if (c >= classes || !to) return;
	float sum = 0;
	for (int n = 0; n < images; n++) sum = fma(dy[(size_t)n * classes + c], f < features ? x[(size_t)n * features + f] : 1, sum);
	if (f < features) to[c * features + f] = sum;
	else to[c] = sum;
}
EXPORT_KERNEL(dense_weights)
