// What the kernels of training share: tensors in storage, and the Source, an image-local expression that a kernel evaluates while it
// reads or writes instead of having another kernel store it first.
//
// Tensors are NHWC of a storage type T (float or half), channels a multiple of 4; all arithmetic is fp32.
#pragma once
#include "device.h"

const int max_channels = 128;

// Part of its kernel: a call would copy the kernel's parameters to memory of the thread.
#define INLINE __device__ __attribute__((always_inline)) inline

// ---- four neighbouring channels ----

__device__ inline float4 load4(const float *p) { return *(const float4 *)p; }
__device__ inline float4 load4(const half *p) {
	uint2 w = *(const uint2 *)p;
	float2 a = unpack_half(w.x), b = unpack_half(w.y);
	return float4{a.x, a.y, b.x, b.y};
}
__device__ inline void store4(float *p, float4 v) { *(float4 *)p = v; }
__device__ inline void store4(half *p, float4 v) { *(uint2 *)p = uint2{pack_half(v.x, v.y), pack_half(v.z, v.w)}; }

// v as it is read back from storage.
template <class T> __device__ inline float4 as_stored(float4 v);
template <> __device__ inline float4 as_stored<float>(float4 v) { return v; }
template <> __device__ inline float4 as_stored<half>(float4 v) {
	float2 a = unpack_half(pack_half(v.x, v.y)), b = unpack_half(pack_half(v.z, v.w));
	return float4{a.x, a.y, b.x, b.y};
}

__device__ inline float4 operator+(float4 a, float4 b) { return float4{a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w}; }
__device__ inline float4 operator*(float s, float4 a) { return float4{s * a.x, s * a.y, s * a.z, s * a.w}; }
__device__ inline float4 fma4(float4 a, float4 b, float4 c) { return float4{fma(a.x, b.x, c.x), fma(a.y, b.y, c.y), fma(a.z, b.z, c.z), fma(a.w, b.w, c.w)}; }
__device__ inline float4 relu4(float4 a) { return float4{max_f(a.x, 0), max_f(a.y, 0), max_f(a.z, 0), max_f(a.w, 0)}; }

// ---- sources ----

// A term of a source, for pixel (y, x) of image n and channel c of a tensor [N, height, width, channels].
enum TermKind {
	term_none,               // 0
	term_plain,              // x
	term_norm,               // (x - mean) / sqrt(variance + eps) * gamma + beta
	term_norm_relu,          // the same, at least 0
	term_norm_gradient,      // gamma / sqrt(variance + eps) * (g - sums[0] / count - xhat * sums[1] / count); count 0: only gamma / sqrt() * g
	term_pool,               // 2x2 averages of x [N, 2 height, 2 width, depth], channel c - before; 0 outside
	term_subsample,          // every second pixel of such an x
	term_pool_gradient,      // a quarter of x [N, height / 2, width / 2, depth] at channel c + before
	term_subsample_gradient, // x at even pixels, channel c + before
	term_average_gradient    // float x [N, channels] * scale
};
struct Term {
	const void *x, *g;          // T, g of term_norm_gradient
	const float *moments;       // [2, C] mean and biased variance
	const float *gamma, *beta;  // [C]
	const float *sums;          // [2, C] of g and g * xhat, without the loss scale
	float eps, count, scale;    // scale: of the average's gradient; of g against sums
	int kind, depth, before;    // channels of x where they differ, and the first one's place
};

// relu(first + second), kept only where mask > 0. Without a mask (term_none) everything is kept.
struct Source {
	Term first, second, mask;
	int relu, height, width, channels;
};

// Coefficients of a source's terms by channel, in shared memory.
struct alignas(16) Coefficients {
	float a[3][max_channels], b[3][max_channels], d[max_channels];
};

INLINE void prepare_term(const Term &t, int channels, float *a, float *b, float *d) {
	if (t.kind != term_norm && t.kind != term_norm_relu && !(d && t.kind == term_norm_gradient)) return;
	for (int c = (int)threadIdx.x; c < channels; c += (int)blockDim.x) {
		// All loads before the arithmetic, which waits for them.
		const bool gradient = d && t.kind == term_norm_gradient;
		float mean = t.moments[c], variance = t.moments[channels + c], gamma = t.gamma[c], first = 0, second = 0;
		if (!gradient) {
			first = t.beta[c];
		} else if (t.count > 0) {
			first = t.sums[c];
			second = t.sums[channels + c];
		}
		float inverse = 1 / sqrt_rn(variance + t.eps), scale = gamma * inverse;
		a[c] = scale;
		if (!gradient) {
			b[c] = fma(-scale, mean, first);
		} else if (t.count > 0) {
			float slope = scale * inverse * (second * t.scale) / t.count;
			b[c] = -slope;
			d[c] = fma(slope, mean, -(scale * (first * t.scale) / t.count));
		} else {
			b[c] = 0;
			d[c] = 0;
		}
	}
}

// Fills the coefficients; a barrier must follow. Only the first term may be a term_norm_gradient.
INLINE void prepare(const Source &s, Coefficients &k) {
	prepare_term(s.first, s.channels, k.a[0], k.b[0], k.d);
	prepare_term(s.second, s.channels, k.a[1], k.b[1], nullptr);
	prepare_term(s.mask, s.channels, k.a[2], k.b[2], nullptr);
}

// Channels c to c + 3 of a term.
template <class T> INLINE float4 term4(const Term &t, const float *a, const float *b, const float *d, const Source &s, int n, int y, int x, int c) {
	const T *from = (const T *)t.x;
	size_t at = (((size_t)n * s.height + y) * s.width + x) * s.channels + c;
	switch (t.kind) {
	case term_plain: return load4(from + at);
	case term_norm: return fma4(load4(from + at), load4(a + c), load4(b + c));
	case term_norm_relu: return relu4(fma4(load4(from + at), load4(a + c), load4(b + c)));
	case term_norm_gradient: return fma4(load4((const T *)t.g + at), load4(a + c), fma4(load4(from + at), load4(b + c), load4(d + c)));
	case term_pool:
	case term_subsample: {
		c -= t.before;
		if (c < 0 || c >= t.depth) return float4{0, 0, 0, 0};
		const T *p = from + (((size_t)n * 2 * s.height + 2 * y) * 2 * s.width + 2 * x) * t.depth + c;
		if (t.kind == term_subsample) return load4(p);
		int row = 2 * s.width * t.depth;
		return 0.25f * ((load4(p) + load4(p + t.depth)) + (load4(p + row) + load4(p + row + t.depth)));
	}
	case term_pool_gradient:
	case term_subsample_gradient: {
		const T *p = from + (((size_t)n * (s.height / 2) + y / 2) * (s.width / 2) + x / 2) * t.depth + c + t.before;
		if (t.kind == term_pool_gradient) return 0.25f * load4(p);
		if (y % 2 || x % 2) return float4{0, 0, 0, 0};
		return load4(p);
	}
	case term_average_gradient: return t.scale * load4((const float *)t.x + (size_t)n * s.channels + c);
	}
	return float4{0, 0, 0, 0};
}

// What a source makes of a first term v that is already known.
template <class T> INLINE float4 finish4(const Source &s, const Coefficients &k, float4 v, int n, int y, int x, int c) {
	if (s.second.kind) v = v + term4<T>(s.second, k.a[1], k.b[1], nullptr, s, n, y, x, c);
	if (s.relu) v = relu4(v);
	if (s.mask.kind) {
		float4 m = term4<T>(s.mask, k.a[2], k.b[2], nullptr, s, n, y, x, c);
		v = float4{m.x > 0 ? v.x : 0, m.y > 0 ? v.y : 0, m.z > 0 ? v.z : 0, m.w > 0 ? v.w : 0};
	}
	return v;
}

// Channels c to c + 3 of a source.
template <class T> INLINE float4 fetch4(const Source &s, const Coefficients &k, int n, int y, int x, int c) {
	return finish4<T>(s, k, term4<T>(s.first, k.a[0], k.b[0], k.d, s, n, y, x, c), n, y, x, c);
}
