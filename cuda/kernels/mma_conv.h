// Convolution and the gradient of its input on tensor cores, fp16 with fp32 sums: y = epilogue(conv(in, w)).
//
// `in` is a Source, evaluated on the way into shared memory; forward as it is, relu(norm(x)) or the end of a residual block,
// relu(norm(x) + shortcut), which can be stored as well (`joined`); backward the gradient through the batch norm behind the convolution.
// The epilogue adds, masks (ReLU's gradient) and sums for the batch norm: moments forward, sums of g and g * xhat backward.
//
// in [N, H, W, in], w [taps, in, out] fp16 in both directions, y [N, H / stride, W / stride, out]; backward from [N, H / stride,
// W / stride, out] to [N, H, W, in]. Grid: N blocks, an image each.
//
// Tile     M = pixels of the result, N = its channels, K = taps * channels of `in`. 8 warps of 16-pixel tiles: 128 pixels x 16 channels
//          a warp in stage 1, 32 x 32 in stage 2, 16 x 32 in stage 3. pixels / 16 * out / 8 * taps * in / 16 mma.m16n8k16 an image, in both
//          directions, none of them idle: with stride 2 backward a tap works on a quarter of the pixels (BackwardShape in mma_tile.h).
// Shared   the image with its border of zeros, pitch channels + 8 halves a pixel (stride 2: even columns before odd ones; backward only one
//          row below and one column to the right); then the weights [taps * in][out + 8]. After the product the result takes their place,
//          [pixels][channels + 8], and behind it the warps' sums [2][8][channels] floats. 62 KB (stem 92), 49 and
//          97 KB a block in stages 1, 2 and 3.
// Order    a value is summed tap by tap, within a tap 16 channels at a time. Sums of an image are those of its rounded result, which is
//          what later kernels read: pixels by threads, lanes by halves, warps; then images in the same way (mma_sums.h).
// Values   sums stay in registers, at most 64 a thread.
#pragma once
#include "mma_prologue.h"
#include "mma_sums.h"

namespace mma {

// As in conv.cu, with 16-bit weights; height, width and channels are those of the shape.
struct Convolution {
	Source in, out;
	Statistics statistics;
	const half *weights;
	half *stored;
	int images, inputs, window, pad, stride, dilation, backward;
};

// What the result becomes, for one thread's 8 channels: plus a tensor or a halved shortcut's gradient, 0 where a mask is not above 0. Pixels are
// `i` behind the thread's first, whole rows of the image. Lean is what most launches ask for: nothing is added, and the mask, if there is one, is
// a batch norm of the tensor that the sums need anyway.
template <class S, bool lean> struct Epilogue {
	static constexpr int channels = S::columns, side = S::result_side, quarter = side / 2;
	struct Raw { Chunk add, mask, raw; };
	const Convolution &p;
	const Line<channels> &k; // of the mask; d: variances of the sums
	const int channel, pixel;
	const half *add, *mask, *raw;
	half *stored;
	Eight scale, shift; // of a mask that is a batch norm
	bool products, odd; // odd: the pixel's gradient through a subsampling is 0

	MMA_INLINE Epilogue(const Convolution &p, const Line<channels> &k)
		: p(p), k(k), channel((int)threadIdx.x % (channels / 8) * 8), pixel((int)threadIdx.x / (channels / 8)), products(S::backward && p.statistics.kind) {
		const size_t at = ((size_t)own_image() * S::pixels + pixel) * channels + channel;
		const Term &t = p.out.second;
		const int y = pixel / side, x = pixel % side;
		stored = p.stored + at;
		mask = (const half *)p.out.mask.x + at;
		raw = (const half *)p.statistics.raw + at;
		odd = t.kind == term_subsample_gradient && (y % 2 || x % 2);
		add = (const half *)t.x + (t.kind == term_plain ? at : (((size_t)own_image() * quarter + y / 2) * quarter + x / 2) * t.depth + (channel + t.before));
		if (p.out.mask.kind != term_none && p.out.mask.kind != term_plain) scale = eight_at(&k.a[channel]), shift = eight_at(&k.b[channel]);
	}
	MMA_INLINE Raw read(int i) const {
		Raw r = {};
		if (!lean && p.out.second.kind && !odd) r.add = chunk_at(add + (p.out.second.kind == term_plain ? i * channels : i / side / 2 * quarter * p.out.second.depth));
		if (!lean && p.out.mask.kind) r.mask = chunk_at(mask + i * channels);
		if (lean ? S::backward : products) r.raw = chunk_at(raw + i * channels);
		return r;
	}
	MMA_INLINE void keep(Eight &e, Eight m) const {
		if (lean || p.out.mask.kind != term_plain)
#pragma unroll
			for (int j = 0; j < 8; j++) m.v[j] = fma(m.v[j], scale.v[j], shift.v[j]);
#pragma unroll
		for (int j = 0; j < 8; j++) e.v[j] = m.v[j] > 0 ? e.v[j] : 0;
	}
	// Stores what becomes of a product and returns it.
	MMA_INLINE Eight store(const Chunk &product, const Raw &r, int i) const {
		Eight e = unpack(product);
		Chunk c = product;
		if constexpr (!lean) {
			if (p.out.second.kind) {
				const Eight add = unpack(r.add);
				const float factor = p.out.second.kind == term_pool_gradient ? 0.25f : 1;
#pragma unroll
				for (int j = 0; j < 8; j++) e.v[j] = fma(factor, add.v[j], e.v[j]);
			}
			if (p.out.mask.kind) keep(e, unpack(r.mask));
			c = pack(e);
			e = unpack(c);
		} else if constexpr (S::backward) {
			keep(e, unpack(r.raw));
			c = pack(e);
		}
		*(Chunk *)&stored[i * channels] = c;
		return e;
	}
};

// Stores the staged result, through the epilogue, and sums over it: forward e - center and its square, backward e and e * (raw - center).
template <class S, bool lean> MMA_INLINE Two store_pixels(const half *staged, const Convolution &p, const Line<S::columns> &k, float (*scratch)[warps][S::columns], const Eight &center) {
	const int channels = S::columns, stride = threads / (channels / 8), rounds = S::pixels / stride, most = lean ? 4 : 2, batch = rounds < most ? rounds : most;
	static_assert(stride % (2 * S::result_side) == 0 && rounds % batch == 0, "whole pairs of rows");
	const Epilogue<S, lean> epilogue(p, k);
	staged += epilogue.pixel * pitch<channels> + epilogue.channel;
	Eight first = {}, second = {};
#pragma unroll 1
	for (int round = 0; round < rounds; round += batch) {
		typename Epilogue<S, lean>::Raw raw[batch];
#pragma unroll
		for (int i = 0; i < batch; i++) raw[i] = epilogue.read((round + i) * stride);
#pragma unroll
		for (int i = 0; i < batch; i++) {
			const Eight e = epilogue.store(chunk_at(&staged[(round + i) * stride * pitch<channels>]), raw[i], (round + i) * stride), x = unpack(raw[i].raw);
#pragma unroll
			for (int j = 0; j < 8; j++) {
				const float d = S::backward ? x.v[j] - center.v[j] : e.v[j] - center.v[j];
				first.v[j] += S::backward ? e.v[j] : d;
				second.v[j] = fma(S::backward ? e.v[j] : d, d, second.v[j]);
			}
		}
	}
	if (p.statistics.kind == statistics_none) return {};
	return column_sums<channels>(first, second, scratch);
}

// The result and its sums. Moments are made in one pass over values from which one of them is taken off, the image's middle pixel: with d = value -
// shift, mean = shift + sum d / pixels and the sum of squared deviations = sum d^2 - (sum d)^2 / pixels (as in mma_sums.h).
template <class S> MMA_INLINE void store_result(half *staged, const Convolution &p, const Line<S::columns> &k) {
	const int channels = S::columns, middle = (S::result_side + 1) * (S::result_side / 2), own = (int)threadIdx.x % (channels / 8) * 8;
	float (*scratch)[warps][channels] = (float (*)[warps][channels])(staged + S::pixels * pitch<channels>);
	const bool products = S::backward && p.statistics.kind, masked = p.out.mask.kind;
	const bool lean = !p.out.second.kind && (S::backward ? products && masked && p.out.mask.kind != term_plain && p.out.mask.x == p.statistics.raw : !masked);
	Eight center = {};
	float shift = 0;
	if constexpr (!S::backward) {
		center = unpack(chunk_at(&staged[middle * pitch<channels> + own]));
		if (threadIdx.x < channels) shift = to_float(staged[middle * pitch<channels> + threadIdx.x]);
	} else if (products) {
		center = eight_at(&p.statistics.moments[own]);
	}
	Two sum = lean ? store_pixels<S, true>(staged, p, k, scratch, center) : store_pixels<S, false>(staged, p, k, scratch, center);
	if (p.statistics.kind == statistics_none) return;
	if constexpr (S::backward) {
		if (threadIdx.x < channels) sum.second /= sqrt_rn(k.d[threadIdx.x] + p.statistics.eps);
	} else {
		const float offset = sum.first * (1.0f / (float)S::pixels);
		sum.second = max_f(fma(-offset, sum.first, sum.second), 0);
		sum.first = shift + offset;
	}
	finish<channels, S::backward>(p.statistics, sum.first, sum.second, S::pixels, p.images, staged);
}

template <class S, bool stem> MMA_INLINE void convolve(half *tile, const Convolution &p, half *joined) {
	using T = typename S::Input;
	__shared__ Line<T::channels> first, second;
	__shared__ Line<S::columns> mask;
	half *weights = tile + T::halves;
	copy_weights<stem ? stem_rows : S::weight_rows, S::weight_rows, S::weight_columns>(weights, p.weights);
	const Norm of_mask = fetch<S::columns, false>(p.out.mask);
	const bool products = S::backward && p.statistics.kind && threadIdx.x < S::columns;
	const float variance = products ? p.statistics.moments[S::columns + threadIdx.x] : 0; // for the sums; a mask has no d
	if constexpr (stem) {
		prepare<false>(p.out.mask, of_mask, mask);
		unfold<T>(tile, weights + weights_halves<S>, p.in.first.x, own_image());
	} else {
		const Norm of_first = fetch<T::channels, S::backward>(p.in.first);
		Norm of_second = {};
		if constexpr (!S::backward) of_second = fetch<T::channels, false>(p.in.second);
		const auto between = [&] {
			prepare<false>(p.out.mask, of_mask, mask);
			if (products) mask.d[threadIdx.x] = variance;
			prepare<S::backward>(p.in.first, of_first, first);
			if constexpr (!S::backward) prepare<false>(p.in.second, of_second, second);
			clear_border<T>(tile);
			__syncthreads();
		};
		if constexpr (S::backward)
			fill_gradient<T>(tile, p.in, first, own_image(), between);
		else
			fill_activation<T, T::source_side == T::side>(tile, p.in, first, second, joined, own_image(), between);
	}
	copy_async_wait<0>();
	__syncthreads();
	Sums<S> sum = {};
	multiply<S>(tile, weights, sum);
	__syncthreads();
	stage<S>(tile, sum);
	__syncthreads();
	store_result<S>(tile, p, mask);
}
} // namespace mma

#define CONVOLUTION(name, stem, Shape, ...)                                                              \
	extern "C" __global__ void __launch_bounds__(256, 2) name(mma::Convolution p, half *joined) {    \
		DYNAMIC_SHARED(half, tile);                                                              \
		mma::convolve<mma::Shape<__VA_ARGS__>, stem>(tile, p, joined);                           \
	}                                                                                                \
	EXPORT_KERNEL(name)
