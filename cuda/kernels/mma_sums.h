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

// The last block's work. A channel has threads / channels threads: thread t takes channel t % channels and images t / channels,
// t / channels + threads / channels and so on; then their sums are added in order, and every thread gets its channel's.
template <int channels> struct Batch {
	static constexpr int groups = threads / channels;
	static constexpr int flight = channels / 2 < 16 ? channels / 2 : 16; // loads under way at once; of 128 images a thread has channels / 2
	const float *parts; // [images, 2, channels]
	int images;
	float (*scratch)[channels]; // [groups][channels]

	MMA_INLINE float across(float v) const {
		const int group = (int)threadIdx.x / channels, c = (int)threadIdx.x % channels;
		__syncthreads();
		scratch[group][c] = v;
		__syncthreads();
		float total = 0;
		for (int g = 0; g < groups; g++) total += scratch[g][c];
		return total;
	}
	MMA_INLINE float part(int image, int which) const { return load_fresh(&parts[(image * 2 + which) * channels + (int)threadIdx.x % channels]); }
	MMA_INLINE float sum(int which) const {
		float total = 0;
#pragma unroll flight
		for (int i = (int)threadIdx.x / channels; i < images; i += groups) total += part(i, which);
		return across(total);
	}
	// The sum of squared deviations from the batch's mean, of images of equal size: M2 + pixels * (mean of the image - mean)^2
	// summed over the images (Chan, Golub, LeVeque 1979).
	MMA_INLINE float squares(float mean, float pixels) const {
		float total = 0;
#pragma unroll flight
		for (int i = (int)threadIdx.x / channels; i < images; i += groups) {
			float d = part(i, 0) - mean;
			total += fma(pixels * d, d, part(i, 1));
		}
		return across(total);
	}
};

// Stores an image's two sums by channel, of thread c < channels; the block that arrives last makes the batch's result of all of them.
// Moments: `first` is the image's mean, `second` the sum of squared deviations from it.
template <int channels> MMA_INLINE void finish(const Statistics &s, float first, float second, int pixels, int images) {
	__shared__ float scratch[threads / channels][channels];
	float *parts = s.parts + (size_t)own_image() * 2 * channels;
	if (threadIdx.x < channels) parts[threadIdx.x] = first, parts[channels + threadIdx.x] = second;
	if (!last_to_arrive(s.ticket, (unsigned)images)) return;
	const Batch<channels> batch = {s.parts, images, scratch};
	float a = batch.sum(0), b;
	if (s.kind == statistics_moments) {
		a /= (float)images;
		b = batch.squares(a, (float)pixels) / ((float)images * (float)pixels);
	} else {
		a *= s.factor;
		b = batch.sum(1) * s.factor;
	}
	if (threadIdx.x < channels) s.result[threadIdx.x] = a, s.result[channels + threadIdx.x] = b;
}
} // namespace mma
