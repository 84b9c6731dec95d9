// The gradient of a convolution's weights on tensor cores, fp16 with fp32 sums: dw[tap][i][o] = sum over pixels p of x[p + tap][i] dy[p][o].
// x and dy are Sources: x a tensor, norm(x) or relu(norm(x)), dy a tensor or the gradient through a batch norm.
//
// x [N, H, W, in], dy [N, H / stride, W / stride, out], parts [slices, taps, in, out] fp32, which the update adds in order.
// Block (slice, part) takes a slice of the images and output channels 16 part to 16 part + 15; the parts are the last rows of the grid.
//
// Tile     M = input channels, N = output channels, K = pixels. A warp has 16 x 16 channels of all taps, 72 sums a thread; the
//          8 / (in / 16) warps with the same channels share the pixels. As many mma.m16n8k16 an image as forward.
// Shared   x with its border (as forward), pitch in + 8 halves a pixel, and 16 channels of dy, compact, as is x of the first layer;
//          ldmatrix transposes both. Of small images up to four at once, so that their loads wait for memory together. Then the batch
//          norms' coefficients. At the end the warps' sums take the tiles' place: [warp][tap][16][16] floats. 87 KB in stage 1 (first
//          layer 96), 74 KB in stages 2 and 3.
// Order    a value is summed image by image, within an image 16 pixels at a time, then over the warps that shared the pixels.
// Values   72 sums and 8 operands a thread; no spills.
#pragma once
#include "mma_prologue.h"

namespace mma {

// As in conv_weights.cu.
struct ConvWeights {
	Source x, dy;
	float *parts;
	int images, slices, inputs, pad, stride;
};

template <class T> struct Compact { using Input = T; };
template <> struct Compact<Tile<stem_depth, stem_side, whole>> { using Input = Tile<stem_depth, stem_side, compact>; };

template <class S> struct WeightsShape {
	using Input = typename Compact<typename S::Input>::Input;
	using Gradient = Tile<16, S::result_side, compact>;
	static constexpr int jobs = S::depth / 16, shares = warps / jobs;         // warps by input channels, by pixels
	static constexpr int steps = S::pixels / 16 / shares;                     // of 16 pixels, a warp and image
	static constexpr int values = S::taps * 256;                              // sums of a warp
	static constexpr int tiles = Input::halves + Gradient::halves;            // halves of an image
	static constexpr int fit = 75 * 1024 / (2 * tiles), together = fit < 1 ? 1 : fit > 4 ? 4 : fit; // images in shared memory at once
	static_assert(S::pixels % (16 * shares) == 0, "warps share the pixels evenly");
};

// The first output channel of the block.
template <class S> MMA_INLINE int first_output() { return ((int)blockIdx.y - (int)(gridDim.y - S::columns / 16)) * 16; }

template <class S> using WeightSums = float[S::taps][2][4];

// sum += x^T dy over the warp's pixels of this image.
template <class S> MMA_INLINE void multiply_transposed(const half *tile, const half *gradient, WeightSums<S> &sum) {
	using W = WeightsShape<S>;
	const int warp = threadIdx.x / 32, job = warp % W::jobs, share = warp / W::jobs;
	const int left_pixel = lane() % 8 + lane() / 16 * 8, left_channel = job * 16 + lane() / 8 % 2 * 8;
#pragma unroll 1
	for (int step = 0; step < W::steps; step++) {
		const int first = (share * W::steps + step) * 16;
		const half *a = &tile[W::Input::at(S::base(first + left_pixel), left_channel / 8)];
		unsigned right[4];
		load_matrix_transposed(right, &gradient[W::Gradient::at(first + lane() % 16, lane() / 16)]);
#pragma unroll
		for (int tap = 0; tap < S::taps; tap++) {
			unsigned left[4];
			load_matrix_transposed(left, &a[S::offset(tap) * pitch<S::depth>]);
			mma_f16(sum[tap][0], left, right[0], right[1]);
			mma_f16(sum[tap][1], left, right[2], right[3]);
		}
	}
}

// Adds the warps' sums and stores the block's part of its slice, the first `rows` rows. The tiles are no longer read.
template <class S, int rows> MMA_INLINE void store_parts(float *shared, const WeightSums<S> &sum, float *parts) {
	using W = WeightsShape<S>;
	float *mine = shared + threadIdx.x / 32 * W::values + lane() / 4 * 16 + lane() % 4 * 2;
#pragma unroll
	for (int tap = 0; tap < S::taps; tap++)
#pragma unroll
		for (int n = 0; n < 2; n++)
#pragma unroll
			for (int high = 0; high < 2; high++)
				*(float2 *)&mine[tap * 256 + high * 128 + n * 8] = float2{sum[tap][n][high * 2], sum[tap][n][high * 2 + 1]};
	__syncthreads();
	parts += (size_t)blockIdx.x * rows * S::columns + first_output<S>();
	for (int i = threadIdx.x; i < rows * 16; i += threads) {
		const int column = i % 16, row = i / 16, tap = row / S::depth, job = row / 16 % W::jobs;
		float total = 0;
#pragma unroll
		for (int share = 0; share < W::shares; share++) total += shared[(share * W::jobs + job) * W::values + tap * 256 + row % 16 * 16 + column];
		parts[row * S::columns + column] = total;
	}
}

template <class S, bool stem> MMA_INLINE void conv_weights(half *tile, const ConvWeights &p) {
	using W = WeightsShape<S>;
	using T = typename W::Input;
	Line<S::columns> &kdy = *(Line<S::columns> *)(tile + W::together * W::tiles);
	Line<S::depth> &kx = *(Line<S::depth> *)(&kdy + 1);
	WeightSums<S> sum = {};
	const Norm of_dy = fetch<S::columns, true>(p.dy.first);
	if constexpr (!stem) {
		const Norm of_x = fetch<S::depth, false>(p.x.first);
		prepare<false>(p.x.first, of_x, kx);
		for (int i = 0; i < W::together; i++) clear_border<T>(tile + i * W::tiles);
	}
	prepare<true>(p.dy.first, of_dy, kdy);
	__syncthreads();
	const int slice = (int)blockIdx.x, slices = p.slices, end = p.images * (slice + 1) / slices;
#pragma unroll 1
	for (int first = p.images * slice / slices; first < end; first += W::together) {
		const int images = end - first < W::together ? end - first : W::together;
#pragma unroll 1
		for (int i = 0; i < images; i++) {
			half *x = tile + i * W::tiles, *dy = x + T::halves;
			// Two reads at a time: beside the sums there are no registers for more.
			if constexpr (stem) {
				static_assert(stem_raw_halves <= W::Gradient::halves, "the image lies where the gradient comes");
				unfold<T>(x, dy, p.x.first.x, first + i);
				__syncthreads();
			} else {
				fill_activation<T, false, 2>(x, p.x, kx, kx, nullptr, first + i);
			}
			fill_gradient<typename W::Gradient, S::columns, 2>(dy, p.dy, kdy, first + i, first_output<S>());
		}
		__syncthreads();
#pragma unroll 1
		for (int i = 0; i < images; i++) multiply_transposed<S>(tile + i * W::tiles, tile + i * W::tiles + T::halves, sum);
		__syncthreads();
	}
	store_parts<S, stem ? stem_rows : S::taps * S::depth>((float *)tile, sum, p.parts);
}
} // namespace mma
