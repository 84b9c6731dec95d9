// What pointwise.cu, statistics.cu and head.cu do, for more channels than max_channels (wide.h); blockIdx.y numbers slices of channels.
#include "wide.h"

const int threads = 256;

// As INLINE, of a lambda.
#define LAMBDA __attribute__((always_inline))

// out T [images, height, width, channels]. A block takes neighbouring pixels, the same number each but for the last.
template <class T> INLINE void store_wide(const Source &whole, int images, T *out) {
	__shared__ Coefficients k;
	__shared__ Staged staged;
	const Slice slice = slice_of(whole.channels, (int)blockIdx.y);
	prepare_slice(whole, slice, staged, k);
	const Source s = from_channel<T>(whole, slice.first);
	__syncthreads();
	const int pixels = images * s.height * s.width, each = (pixels + (int)gridDim.x - 1) / (int)gridDim.x, quads = slice.count / 4;
	const int begin = (int)blockIdx.x * each, end = begin + each < pixels ? begin + each : pixels;
	for (int i = (int)threadIdx.x; i < (end - begin) * quads; i += threads) {
		const int p = begin + i / quads, c = i % quads * 4;
		store4(out + (size_t)p * s.channels + slice.first + c, fetch4<T>(s, k, p / (s.width * s.height), p / s.width % s.height, p % s.width, c));
	}
}

extern "C" __global__ void __launch_bounds__(threads) wide_pointwise_f32(Source s, int images, float *out) { store_wide(s, images, out); }
EXPORT_KERNEL(wide_pointwise_f32)
extern "C" __global__ void __launch_bounds__(threads) wide_pointwise_f16(Source s, int images, half *out) { store_wide(s, images, out); }
EXPORT_KERNEL(wide_pointwise_f16)

// The sum of what value(p) gives for pixels begin + own, begin + own + lanes, ... below end, in stretches of 16.
template <class Value> INLINE float4 sum_pixels(int begin, int end, int lanes, Value value) {
	float4 sum = {0, 0, 0, 0}, stretch = {0, 0, 0, 0};
	int count = 0;
	for (int p = begin; p < end; p += lanes) {
		stretch = stretch + value(p);
		if (++count % 16 == 0) {
			sum = sum + stretch;
			stretch = float4{0, 0, 0, 0};
		}
	}
	return sum + stretch;
}

// out T [images, height, width, channels], or nullptr where the source is a tensor that exists. parts and tickets are those of one slice after the
// other: max_channels channels' parts, and one ticket, each.
template <class T> INLINE void sum_wide(const Source &whole, Statistics q, int images, T *out) {
	__shared__ Coefficients k;
	__shared__ Staged staged;
	__shared__ Reduction<threads> r;
	__shared__ float result[2 * max_channels];
	const Slice slice = slice_of(whole.channels, (int)blockIdx.y);
	const int quads = slice.count / 4, lanes = threads / quads, t = (int)threadIdx.x, blocks = (int)gridDim.x;
	const bool moments = q.kind == statistics_moments;
	prepare_slice(whole, slice, staged, k);
	const Source s = from_channel<T>(whole, slice.first);
	if (!moments)
		for (int c = t; c < slice.count; c += threads) {
			r.mean[c] = q.moments[slice.first + c];
			r.inverse[c] = 1 / sqrt_rn(q.moments[whole.channels + slice.first + c] + q.eps);
		}
	__syncthreads();
	const int pixels = images * s.height * s.width, each = (pixels + blocks - 1) / blocks, begin = (int)blockIdx.x * each;
	const int c = t % quads * 4, end = t / quads >= lanes ? begin : begin + each < pixels ? begin + each : pixels;
	const auto fetch = [&](int p) LAMBDA { return as_stored<T>(fetch4<T>(s, k, p / (s.width * s.height), p / s.width % s.height, p % s.width, c)); };

	float4 second = {0, 0, 0, 0};
	const float4 first = sum_pixels(begin + t / quads, end, lanes, [&](int p) LAMBDA {
		const float4 v = fetch(p);
		if (out) store4(out + (size_t)p * s.channels + slice.first + c, v);
		return v;
	});
	if (!moments)
		second = sum_pixels(begin + t / quads, end, lanes, [&](int p) LAMBDA {
			const float4 v = out ? load4(out + (size_t)p * s.channels + slice.first + c) : fetch(p);
			const float4 x = load4((const T *)q.raw + (size_t)p * s.channels + slice.first + c), m = load4(&r.mean[c]), i = load4(&r.inverse[c]);
			return float4{v.x * ((x.x - m.x) * i.x), v.y * ((x.y - m.y) * i.y), v.z * ((x.z - m.z) * i.z), v.w * ((x.w - m.w) * i.w)};
		});
	q.parts += (size_t)blockIdx.y * (size_t)(blocks * (2 * max_channels + 1));
	float *part = q.parts + (size_t)blockIdx.x * 2 * (size_t)slice.count;
	const int own = pixels - begin < each ? pixels - begin : each;
	const float count = own > 0 ? (float)own : 0;
	reduce_quads<threads>(r, first, quads, [&](int channel, float sum) {
		if (moments) r.mean[channel] = count > 0 ? sum / count : 0;
		part[channel] = moments ? r.mean[channel] : sum;
	});
	if (moments) {
		second = sum_pixels(begin + t / quads, end, lanes, [&](int p) LAMBDA {
			const float4 v = fetch(p), m = load4(&r.mean[c]), d = {v.x - m.x, v.y - m.y, v.z - m.z, v.w - m.w};
			return float4{d.x * d.x, d.y * d.y, d.z * d.z, d.w * d.w};
		});
		if (t == 0) q.parts[(size_t)blocks * 2 * (size_t)slice.count + blockIdx.x] = count;
	}
	reduce_quads<threads>(r, second, quads, [&](int channel, float sum) { part[slice.count + channel] = sum; });
	if (!last_to_arrive(q.ticket + blockIdx.y, (unsigned)blocks)) return;
	float *const to = q.result;
	q.result = result;
	finish_statistics<threads>(q, blocks, slice.count);
	if (t >= slice.count) return;
	to[slice.first + t] = result[t]; // which this thread wrote
	to[whole.channels + slice.first + t] = result[slice.count + t];
}

extern "C" __global__ void __launch_bounds__(threads) wide_statistics_f32(Source s, Statistics q, int images, float *out) { sum_wide(s, q, images, out); }
EXPORT_KERNEL(wide_statistics_f32)
extern "C" __global__ void __launch_bounds__(threads) wide_statistics_f16(Source s, Statistics q, int images, half *out) { sum_wide(s, q, images, out); }
EXPORT_KERNEL(wide_statistics_f16)

// features[n, c] = the mean of a source over the pixels of image n; a block an image and a slice. out, or nullptr, stores the source.
template <class T> INLINE void average_wide(const Source &whole, T *out, float *features) {
	__shared__ Coefficients k;
	__shared__ Staged staged;
	__shared__ Reduction<threads> r;
	const Slice slice = slice_of(whole.channels, (int)blockIdx.y);
	prepare_slice(whole, slice, staged, k);
	const Source s = from_channel<T>(whole, slice.first);
	__syncthreads();
	const int quads = slice.count / 4, lanes = threads / quads, area = s.height * s.width, t = (int)threadIdx.x, n = (int)blockIdx.x, c = t % quads * 4;
	const float4 sum = sum_pixels(t / quads, t / quads < lanes ? area : 0, lanes, [&](int p) LAMBDA {
		const float4 v = as_stored<T>(fetch4<T>(s, k, n, p / s.width, p % s.width, c));
		if (out) store4(out + ((size_t)n * (size_t)area + (size_t)p) * s.channels + slice.first + c, v);
		return v;
	});
	reduce_quads<threads>(r, sum, quads, [&](int channel, float total) { features[(size_t)n * s.channels + slice.first + channel] = total / (float)area; });
}

extern "C" __global__ void __launch_bounds__(threads) wide_average_f32(Source s, float *out, float *features) { average_wide(s, out, features); }
EXPORT_KERNEL(wide_average_f32)
extern "C" __global__ void __launch_bounds__(threads) wide_average_f16(Source s, half *out, float *features) { average_wide(s, out, features); }
EXPORT_KERNEL(wide_average_f16)

// A dense layer y[n, c] = b[c] + sum over f of x[n, f] w[c, f]; a block a row, a warp a class: lane l adds features l, l + 32, ... in order, then
// the lanes are added by a butterfly. b nullptr for no bias.
extern "C" __global__ void __launch_bounds__(threads) wide_dense(const float *x, const float *w, const float *b, float *y, int features, int classes) {
	const int n = (int)blockIdx.x;
	for (int c = (int)threadIdx.x / warp_size; c < classes; c += threads / warp_size) {
		float sum = 0;
#pragma unroll 8
		for (int f = lane(); f < features; f += warp_size) sum = fma(x[(size_t)n * features + f], w[(size_t)c * features + f], sum);
		sum = warp_sum(sum);
		if (lane() == 0) y[(size_t)n * classes + c] = sum + (b ? b[c] : 0);
	}
}
EXPORT_KERNEL(wide_dense)
