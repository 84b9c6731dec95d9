// Sums over an image's pixels and over the images of a batch, by channel (Statistics in statistics.h). All in fp32 and in an order
// that depends on the launch's geometry alone.
#pragma once
#include "mma_tile.h"
#include "statistics.h"

namespace mma {

// Sums v over the threads of the block that handle the same 8 channels, threadIdx.x % (channels / 8) * 8 and on: within a warp by a
// butterfly, then warp by warp. Thread c < channels gets the sum of channel c. scratch: [warps][channels], each call its own.
template <int channels> MMA_INLINE float column_sum(const Eight &v, float (*scratch)[channels]) {
	const int parts = channels / 8;
	Eight sum = v;
#pragma unroll
	for (int step = warp_size / 2; step >= parts; step /= 2)
#pragma unroll
		for (int i = 0; i < 8; i++) sum.v[i] += shuffle_xor(sum.v[i], step);
	if (lane() < parts)
#pragma unroll
		for (int i = 0; i < 8; i++) scratch[threadIdx.x / 32][lane() * 8 + i] = sum.v[i];
	__syncthreads();
	float total = 0;
	if (threadIdx.x < channels)
		for (int w = 0; w < warps; w++) total += scratch[w][threadIdx.x];
	return total;
}

struct Two { float first, second; };

// The last block's work. A channel has threads / channels threads: thread t takes channel t % channels and images t / channels,
// t / channels + threads / channels and so on; then their sums are added in order, and every thread gets its channel's.
template <int channels> struct Batch {
	static constexpr int groups = threads / channels;
	static constexpr int flight = channels / 2; // images read at once: all that a thread has of 128
	const float *parts; // [images, 2, channels]
	int images;
	float (*scratch)[channels]; // [2 groups][channels]

	MMA_INLINE float part(int image, int which) const { return load_fresh(&parts[(image * 2 + which) * channels + (int)threadIdx.x % channels]); }
	MMA_INLINE Two across(Two v) const {
		const int group = (int)threadIdx.x / channels, c = (int)threadIdx.x % channels;
		scratch[group][c] = v.first;
		scratch[groups + group][c] = v.second;
		__syncthreads();
		Two total = {};
		for (int g = 0; g < groups; g++) {
			total.first += scratch[g][c];
			total.second += scratch[groups + g][c];
		}
		return total;
	}
	// Sums of both parts.
	MMA_INLINE Two sums() const {
		Two total = {};
#pragma unroll flight
		for (int i = (int)threadIdx.x / channels; i < images; i += groups) {
			total.first += part(i, 0);
			total.second += part(i, 1);
		}
		return across(total);
	}
	// Mean and biased variance from those of images of equal size, in one pass over data that is shifted by the first image's mean
	// (Chan, Golub, LeVeque 1983): with d = mean of an image - shift, mean = shift + sum d / images and the sum of squared deviations
	// = sum (M2 + pixels d^2) - pixels (sum d)^2 / images. The shift is one of the means, so that the difference loses at most a factor
	// of `images` in precision, and that only where one image is far from all others.
	MMA_INLINE Two moments(float pixels) const {
		const float shift = part(0, 0);
		Two total = {};
#pragma unroll flight
		for (int i = (int)threadIdx.x / channels; i < images; i += groups) {
			const float d = part(i, 0) - shift;
			total.first += d;
			total.second += fma(pixels * d, d, part(i, 1));
		}
		total = across(total);
		const float offset = total.first / (float)images, squares = fma(-pixels * offset, total.first, total.second);
		return {shift + offset, squares < 0 ? 0 : squares / ((float)images * pixels)}; // a NaN stays one
	}
};

// Stores an image's two sums by channel, of thread c < channels; the block that arrives last makes the batch's result of all of them.
// Without `sums`, moments: `first` is the image's mean, `second` the sum of squared deviations from it. scratch: 2 KB of shared memory that
// is no longer read.
template <int channels, bool sums> MMA_INLINE void finish(const Statistics &s, float first, float second, int pixels, int images, void *scratch) {
	float *parts = s.parts + (size_t)own_image() * 2 * channels;
	if (threadIdx.x < channels) parts[threadIdx.x] = first, parts[channels + threadIdx.x] = second;
	if (!last_to_arrive(s.ticket, (unsigned)images)) return;
	const Batch<channels> batch = {s.parts, images, (float (*)[channels])scratch};
	Two result = {};
	if constexpr (sums) {
		result = batch.sums();
		result.first *= s.factor;
		result.second *= s.factor;
	} else {
		result = batch.moments((float)pixels);
	}
	if (threadIdx.x < channels) s.result[threadIdx.x] = result.first, s.result[channels + threadIdx.x] = result.second;
}
} // namespace mma
