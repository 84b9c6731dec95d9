// Stores a source and sums over its values by channel: moments for a batch norm, or the sums that its gradient needs.
//
// A block takes neighbouring pixels, the same number each but for the last; a thread four channels of every (256 / quads)-th of them.
// Moments of a block are those around its mean (two passes; the second reads from cache), merged over blocks in order.
#include "statistics.h"

const int threads = 256;

// out T [images, height, width, channels], or nullptr where the source is a tensor that exists.
template <class T> INLINE void sum_source(const Source &s, const Statistics &q, int images, T *out) {
	__shared__ Coefficients k;
	__shared__ Reduction<threads> r;
	int channels = s.channels, quads = channels / 4, lanes = threads / quads;
	prepare(s, k);
	if (q.kind == statistics_sums)
		for (int c = (int)threadIdx.x; c < channels; c += threads) {
			r.mean[c] = q.moments[c];
			r.inverse[c] = 1 / sqrt_rn(q.moments[channels + c] + q.eps);
		}
	__syncthreads();
	int pixels = images * s.height * s.width, each = (pixels + (int)gridDim.x - 1) / (int)gridDim.x;
	int begin = (int)blockIdx.x * each, end = begin + each < pixels ? begin + each : pixels;
	int c = (int)threadIdx.x % quads * 4, own = (int)threadIdx.x / quads;
	bool idle = own >= lanes;
	float4 first = {0, 0, 0, 0}, second = {0, 0, 0, 0};
	for (int p = begin + own; p < end && !idle; p += lanes) {
		float4 v = as_stored<T>(fetch4<T>(s, k, p / (s.width * s.height), p / s.width % s.height, p % s.width, c));
		if (out) store4(out + (size_t)p * channels + c, v);
		first = first + v;
		if (q.kind != statistics_sums) continue;
		float4 x = load4((const T *)q.raw + (size_t)p * channels + c), m = load4(&r.mean[c]), i = load4(&r.inverse[c]);
		second = fma4(v, float4{(x.x - m.x) * i.x, (x.y - m.y) * i.y, (x.z - m.z) * i.z, (x.w - m.w) * i.w}, second);
	}
	float *part = q.parts + (size_t)blockIdx.x * 2 * channels;
	float count = end > begin ? (float)(end - begin) : 0;
	bool moments = q.kind == statistics_moments;
	reduce_quads<threads>(r, first, quads, [&](int channel, float sum) {
		if (moments) r.mean[channel] = count > 0 ? sum / count : 0;
		part[channel] = moments ? r.mean[channel] : sum;
	});
	if (moments) {
		for (int p = begin + own; p < end && !idle; p += lanes) {
			float4 v = as_stored<T>(fetch4<T>(s, k, p / (s.width * s.height), p / s.width % s.height, p % s.width, c)), m = load4(&r.mean[c]);
			float4 d = {v.x - m.x, v.y - m.y, v.z - m.z, v.w - m.w};
			second = fma4(d, d, second);
		}
		if (threadIdx.x == 0) q.parts[(size_t)gridDim.x * 2 * channels + blockIdx.x] = count;
	}
	reduce_quads<threads>(r, second, quads, [&](int channel, float sum) { part[channels + channel] = sum; });
	if (last_to_arrive(q.ticket, gridDim.x)) finish_statistics<threads>(q, (int)gridDim.x, channels);
}

extern "C" __global__ void __launch_bounds__(threads) statistics_f32(Source s, Statistics q, int images, float *out) { sum_source(s, q, images, out); }
EXPORT_KERNEL(statistics_f32)
extern "C" __global__ void __launch_bounds__(threads) statistics_f16(Source s, Statistics q, int images, half *out) { sum_source(s, q, images, out); }
EXPORT_KERNEL(statistics_f16)
