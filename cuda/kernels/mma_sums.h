// Sums over an image's pixels and over the images of a batch, by channel (Statistics in statistics.h). All in fp32 and in an order
// that depends on the launch's geometry alone.
#pragma once
#include "mma_tile.h"
#include "statistics.h"

namespace mma {

struct Two { float first, second; };

// Sums v over the lanes of a warp that handle the same 8 channels, those with the same lane % parts. Half of the lanes give half of the values away
// in each step, so that a lane ends with 8 parts / 32 of them, at least one: the first in v, from the index on that is returned. In the same order as a butterfly of all.
template <int parts, int step = warp_size / 2, int left = 8> MMA_INLINE int lane_sums(Eight &v) {
	if constexpr (step < parts) {
		return 0;
	} else if constexpr (left == 1) {
		v.v[0] += shuffle_xor(v.v[0], step);
		return lane_sums<parts, step / 2, 1>(v);
	} else {
		const bool upper = lane() & step;
#pragma unroll
		for (int i = 0; i < left / 2; i++) {
			const float low = v.v[i], high = v.v[i + left / 2];
			v.v[i] = (upper ? +high : +low) + shuffle_xor(upper ? +low : +high, step); // of values: a choice of addresses is one in memory
		}
		return (upper ? left / 2 : 0) + lane_sums<parts, step / 2, left / 2>(v);
	}
}

// Adds the warps' sums of channel threadIdx.x < channels, in order.
template <int channels> MMA_INLINE Two warp_totals(float (*scratch)[warps][channels]) {
	Two total = {};
	if (threadIdx.x < channels)
#pragma unroll
		for (int w = 0; w < warps; w++) total.first += scratch[0][w][threadIdx.x], total.second += scratch[1][w][threadIdx.x];
	return total;
}

// Sums a and b over the threads of the block that handle the same 8 channels, threadIdx.x % (channels / 8) * 8 and on: within a warp, then warp by
// warp. Thread c < channels gets the sums of channel c. scratch: [2][warps][channels].
template <int channels> MMA_INLINE Two column_sums(Eight a, Eight b, float (*scratch)[warps][channels]) {
	const int parts = channels / 8, left = parts > 4 ? parts / 4 : 1;
	const int begin = lane_sums<parts>(a), at = lane() % parts * 8 + begin;
	lane_sums<parts>(b);
	if (parts > 2 || !(lane() & 2)) // of 2 parts two lanes have the same
#pragma unroll
		for (int i = 0; i < left; i++) scratch[0][threadIdx.x / 32][at + i] = a.v[i], scratch[1][threadIdx.x / 32][at + i] = b.v[i];
	__syncthreads();
	return warp_totals<channels>(scratch);
}

// The last block's work. A thread takes four channels, threadIdx.x % quads * 4 and on, and images threadIdx.x / quads, threadIdx.x / quads + groups
// and so on; then the threads' sums are added as those of an image are. Thread c < channels gets its channel's.
template <int channels> struct Batch {
	static constexpr int quads = channels / 4, groups = threads / quads;
	static constexpr int flight = 128 / groups; // images read at once: all that a thread has of 128
	const float *parts; // [images, 2, channels]
	int images;
	float (*scratch)[warps][channels]; // [2]

	template <int count, class Add> MMA_INLINE void some(const float *&from, const Add &add, Eight &total) const {
		float4 a[count], b[count];
#pragma unroll
		for (int i = 0; i < count; i++, from += groups * 2 * channels) a[i] = load_fresh((const float4 *)from), b[i] = load_fresh((const float4 *)(from + channels));
#pragma unroll
		for (int i = 0; i < count; i++) add(0, a[i].x, b[i].x, total), add(1, a[i].y, b[i].y, total), add(2, a[i].z, b[i].z, total), add(3, a[i].w, b[i].w, total);
	}
	// Adds up with add(channel of the four, first, second, sums) over all images.
	template <class Add> MMA_INLINE Two all(const Add &add) const {
		const float *from = parts + (threadIdx.x / quads * 2 * channels + threadIdx.x % quads * 4);
		Eight total = {};
		int i = (int)(threadIdx.x / quads);
#pragma unroll 1
		for (; i + (flight - 1) * groups < images; i += flight * groups) some<flight>(from, add, total);
#pragma unroll 1
		for (; i < images; i += groups) some<1>(from, add, total);
		const int begin = lane_sums<quads>(total), left = quads / 4; // of the eight: four of the first sum, four of the second
#pragma unroll
		for (int i = 0; i < left; i++) scratch[(begin + i) / 4][threadIdx.x / 32][lane() % quads * 4 + (begin + i) % 4] = total.v[i];
		__syncthreads();
		return warp_totals<channels>(scratch);
	}
	// Sums of both parts.
	MMA_INLINE Two sums() const {
		return all([](int j, float a, float b, Eight &total) { total.v[j] += a, total.v[4 + j] += b; });
	}
	// Mean and biased variance from those of images of equal size, in one pass over data that is shifted by the first image's mean
	// (Chan, Golub, LeVeque 1983): with d = mean of an image - shift, mean = shift + sum d / images and the sum of squared deviations
	// = sum (M2 + pixels d^2) - pixels (sum d)^2 / images. The shift is one of the means, so that the difference loses at most a factor
	// of `images` in precision, and that only where one image is far from all others.
	MMA_INLINE Two moments(float pixels) const {
		const float *mean = parts + threadIdx.x % quads * 4;
		const float4 four = load_fresh((const float4 *)mean);
		const float own = load_fresh(parts + threadIdx.x % channels), shift[4] = {four.x, four.y, four.z, four.w};
		const Two total = all([&](int j, float a, float b, Eight &total) {
			const float d = a - shift[j];
			total.v[j] += d;
			total.v[4 + j] += fma(pixels * d, d, b);
		});
		const float offset = total.first / (float)images, squares = fma(-pixels * offset, total.first, total.second);
		return {own + offset, squares < 0 ? 0 : squares / ((float)images * pixels)}; // a NaN stays one
	}
};

// Stores an image's two sums by channel, of thread c < channels; the block that arrives last makes the batch's result of all of them.
// Without `sums`, moments: `first` is the image's mean, `second` the sum of squared deviations from it. scratch: 4 KB of shared memory that
// is no longer read.
template <int channels, bool sums> MMA_INLINE void finish(const Statistics &s, float first, float second, int pixels, int images, void *scratch) {
	float *parts = s.parts + (size_t)own_image() * 2 * channels;
	if (threadIdx.x < channels) parts[threadIdx.x] = first, parts[channels + threadIdx.x] = second;
	if (!last_to_arrive(s.ticket, (unsigned)images)) return;
	const Batch<channels> batch = {s.parts, images, (float (*)[warps][channels])scratch};
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
