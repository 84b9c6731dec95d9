// The gradient of a convolution's weights on tensor cores, fp16 with fp32 sums: dw[tap][i][o] = sum over pixels p of x[p + tap][i] dy[p][o].
// x and dy are Sources: x a tensor, norm(x) or relu(norm(x)), dy a tensor or the gradient through a batch norm.
//
// x [N, H, W, in], dy [N, H / stride, W / stride, out], parts [slices, taps, in, out] fp32, which the update adds in order.
// Block (slice, part) takes a slice of the images and output channels 16 part to 16 part + 15; the parts are the last rows of the grid.
//
// Tile     M = input channels, N = output channels, K = pixels. A warp has 16 x 16 channels of all taps, 72 sums a thread; the
//          8 / (in / 16) warps with the same channels share the pixels. As many mma.m16n8k16 an image as forward.
// Shared   x with its border (as forward), pitch in + 8 halves a pixel, and 16 channels of dy, compact, as is x of the first layer;
//          ldmatrix transposes both. They are copied there as they are, asynchronously, of small images up to four at once, and each thread
//          then normalises what it has copied, in place: beside the sums there are no registers for loads. Then the batch norms'
//          coefficients. At the end the warps' sums take the tiles' place: [warp][tap][16][16] floats. 87 KB in stage 1 (first
//          layer 96), 74 KB in stages 2 and 3.
// Order    a value is summed image by image, within an image 16 pixels at a time, then over the warps that shared the pixels.
// Values   72 sums and 8 operands a thread; addresses spill at 16 channels (docs/sass.txt).
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

// sum += x^T dy over the warp's pixels of this image. Two steps of 16 pixels are whole rows, or the halves of one: from pair to pair all addresses
// move by the same.
template <class S> MMA_INLINE void multiply_transposed(const half *tile, const half *gradient, WeightSums<S> &sum) {
	using W = WeightsShape<S>;
	const int pair = W::steps < 2 ? 1 : 2, unit = W::Input::halves / W::Input::positions; // halves of a pixel
	static_assert(W::steps % pair == 0 && (pair == 1 || S::result_side <= 32), "the loop below");
	const int warp = threadIdx.x / 32, job = warp % W::jobs, first = warp / W::jobs * W::steps * 16;
	InShared left_at = in_shared(&tile[W::Input::at(S::base(first + lane() % 8 + lane() / 16 * 8), job * 2 + lane() / 8 % 2)]);
	InShared right_at = in_shared(&gradient[W::Gradient::at(first + lane() % 16, lane() / 16)]);
#pragma unroll 1
	for (int step = 0; step < W::steps; step += pair) {
#pragma unroll
		for (int half = 0; half < pair; half++) {
			unsigned right[4];
			load_matrix_transposed(right, right_at, half * 16 * 16 * 2);
#pragma unroll
			for (int tap = 0; tap < S::taps; tap++) {
				unsigned left[4];
				load_matrix_transposed(left, left_at, (S::base(half * 16) + S::offset(tap)) * unit * 2);
				mma_f16(sum[tap][0], left, right[0], right[1]);
				mma_f16(sum[tap][1], left, right[2], right[3]);
			}
		}
		left_at = further(left_at, S::base(pair * 16) * unit * 2), right_at = further(right_at, pair * 16 * 16 * 2);
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
	// Four columns a thread: a row of 16 of them is one of 16 input channels of a tap and job, 64 threads' rows.
	const int at = (int)threadIdx.x / 64, own = (int)threadIdx.x / 4, together = 4 / W::jobs; // taps
	const float *from = shared + at % W::jobs * W::values + at / W::jobs * 256 + threadIdx.x % 64 * 4;
	parts += ((size_t)blockIdx.x * rows + own) * S::columns + (first_output<S>() + (int)threadIdx.x % 4 * 4);
#pragma unroll
	for (int tap = 0; tap < S::taps; tap += together) {
		if ((tap + together) * S::depth > rows && own + tap * S::depth >= rows) break;
		float4 total = {0, 0, 0, 0};
#pragma unroll
		for (int share = 0; share < W::shares; share++) total = total + *(const float4 *)&from[share * W::jobs * W::values + tap * 256];
		*(float4 *)&parts[tap * S::depth * S::columns] = total;
	}
}

// Begins the copy of x of one image.
template <class T> MMA_INLINE void copy_activation(half *x, const half *from, int image) {
	from += ((size_t)image * T::source_side * T::source_side + T::source(T::own_pixel())) * T::channels + (int)threadIdx.x % T::parts * 8;
	const InShared to = in_shared(x + T::own_place());
#pragma unroll
	for (int i = 0; i < T::rounds; i++) copy_async(to, 2 * i * T::stride_halves, from, 2 * i * T::stride_source * T::channels);
}
// Normalises, in place, what copy_activation has brought.
template <class T> MMA_INLINE void normalise(half *x, const Source &s, const Line<T::channels> &k) {
	Normalise<T::channels> n(s, k, Own{0, 0, (int)threadIdx.x % T::parts * 8, nullptr}, 0);
	n.ready();
	const int most = T::rounds < 4 ? T::rounds : 4;
	x += T::own_place();
#pragma unroll most
	for (int i = 0; i < T::rounds; i++) {
		half *at = &x[i * T::stride_halves];
		*(Chunk *)at = n.value(chunk_at(at), 0);
	}
}

// A thread's share of 16 channels of dy of the images that are in shared memory at once: chunk threadIdx.x, threadIdx.x + 256 and so on of all.
template <class S> struct Gradients {
	using W = WeightsShape<S>;
	using T = typename W::Gradient;
	static constexpr int image_chunks = S::pixels * 2, rounds = (W::together * image_chunks + threads - 1) / threads;
	static constexpr int batch = rounds % 2 == 0 ? 2 : 1; // more spill
	int first, images; // of the group
	MMA_INLINE int chunk(int round) const { return (int)threadIdx.x % image_chunks + round * threads % image_chunks; }
	MMA_INLINE int image(int round) const { return (int)threadIdx.x / image_chunks + round * threads / image_chunks; }
	MMA_INLINE bool there(int round) const { return image(round) < images; }
	MMA_INLINE half *place(half *tile, int round) const {
		return tile + image(round) * W::tiles + W::Input::halves + T::at(chunk(round) / 2, (int)threadIdx.x % 2);
	}
	MMA_INLINE const half *source(const void *from, int round) const {
		return (const half *)from + ((size_t)(first + image(round)) * S::pixels + chunk(round) / 2) * S::columns + (first_output<S>() + (int)threadIdx.x % 2 * 8);
	}
	MMA_INLINE void copy(half *tile, const void *from) const {
#pragma unroll
		for (int round = 0; round < rounds; round++)
			if (there(round)) copy_async(place(tile, round), source(from, round));
	}
	// Takes dy through a batch norm, in place. x is read while arrive() waits for the copies.
	template <class Arrive> MMA_INLINE void through_norm(half *tile, const void *x, const Line<S::columns> &k, const Arrive &arrive) const {
		const int channel = first_output<S>() + (int)threadIdx.x % 2 * 8;
#pragma unroll 1
		for (int round = 0; round < rounds; round += batch) {
			Chunk raw[batch];
#pragma unroll
			for (int i = 0; i < batch; i++) raw[i] = there(round + i) ? chunk_at(source(x, round + i)) : Chunk{};
			if (round == 0) arrive();
#pragma unroll
			for (int i = 0; i < batch; i++) {
				half *at = place(tile, round + i);
				if (there(round + i)) *(Chunk *)at = norm_gradient(chunk_at(at), raw[i], eight_at(&k.a[channel]), eight_at(&k.b[channel]), eight_at(&k.d[channel]));
			}
		}
	}
};

template <class S, bool stem> MMA_INLINE void conv_weights(half *tile, const ConvWeights &p) {
	using W = WeightsShape<S>;
	using T = typename W::Input;
	Line<S::columns> &kdy = *(Line<S::columns> *)(tile + W::together * W::tiles);
	Line<S::depth> &kx = *(Line<S::depth> *)(&kdy + 1);
	const int slice = (int)blockIdx.x, end = p.images * (slice + 1) / p.slices;
	const bool normal = !stem && p.x.first.kind != term_plain, gradient = p.dy.first.kind == term_norm_gradient;
	Gradients<S> group = {p.images * slice / p.slices, 0};
	const auto begin = [&] {
		group.images = end - group.first < W::together ? end - group.first : W::together;
		if constexpr (stem) {
			static_assert(stem_raw_halves <= W::Gradient::halves, "the image lies where the gradient comes");
			if (group.images > 0) unfold<T>(tile, tile + T::halves, p.x.first.x, group.first);
			__syncthreads();
		} else {
#pragma unroll 1
			for (int i = 0; i < group.images; i++) copy_activation<T>(tile + i * W::tiles, (const half *)p.x.first.x, group.first + i);
		}
		group.copy(tile, gradient ? p.dy.first.g : p.dy.first.x);
		copy_async_commit();
	};
	const Norm of_dy = fetch<S::columns, true>(p.dy.first);
	Norm of_x = {};
	if constexpr (!stem) of_x = fetch<S::depth, false>(p.x.first);
	begin();
	prepare<true>(p.dy.first, of_dy, kdy);
	if constexpr (!stem) {
		prepare<false>(p.x.first, of_x, kx);
		for (int i = 0; i < W::together; i++) clear_border<T>(tile + i * W::tiles);
	}
	__syncthreads();
	WeightSums<S> sum = {};
#pragma unroll 1
	while (group.first < end) {
		const auto arrive = [&] {
			copy_async_wait<0>();
			if constexpr (!stem)
#pragma unroll 1
				for (int i = 0; normal && i < group.images; i++) normalise<T>(tile + i * W::tiles, p.x, kx);
		};
		if (gradient)
			group.through_norm(tile, p.dy.first.x, kdy, arrive);
		else
			arrive();
		__syncthreads();
#pragma unroll 1
		for (int i = 0; i < group.images; i++) multiply_transposed<S>(tile + i * W::tiles, tile + i * W::tiles + T::halves, sum);
		__syncthreads();
		if ((group.first += W::together) < end) begin();
	}
	store_parts<S, stem ? stem_rows : S::taps * S::depth>((float *)tile, sum, p.parts);
}
} // namespace mma
