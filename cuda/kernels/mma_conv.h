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
//          [pixels][channels + 8], and behind it the warps' sums [2][8][channels] floats and a mean [channels]. 62 KB (stem 92), 49 and
//          97 KB a block in stages 1, 2 and 3.
// Order    a value is summed tap by tap, within a tap 16 channels at a time. Sums of an image are those of its rounded result, which is
//          what later kernels read: pixels by threads, butterfly, warps; then images in groups, groups in order (mma_sums.h).
// Values   sums stay in registers, at most 64 a thread, no spills.
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

// What the result becomes, for one thread's 8 channels: plus a tensor or a halved shortcut's gradient, 0 where a mask is not above 0.
template <class S> struct Epilogue {
	static constexpr int channels = S::columns, side = S::result_side;
	struct Raw { Chunk add, mask, raw; };
	const Convolution &p;
	const Line<channels> &k; // of the mask; d: variances of the sums
	int channel;
	Eight mean;

	MMA_INLINE size_t at(int pixel) const { return ((size_t)own_image() * S::pixels + pixel) * channels + channel; }
	MMA_INLINE Chunk load(const void *from, int pixel) const { return chunk_at((const half *)from + at(pixel)); }
	// What is added; a halved shortcut's gradient has a quarter of the pixels and `depth` channels.
	MMA_INLINE Chunk addition(int pixel) const {
		const Term &t = p.out.second;
		if (t.kind == term_none) return {};
		if (t.kind == term_plain) return load(t.x, pixel);
		const int y = pixel / side, x = pixel % side;
		if (t.kind == term_subsample_gradient && (y % 2 || x % 2)) return {};
		const size_t quarter = ((size_t)own_image() * (side / 2) + y / 2) * (side / 2) + x / 2;
		return chunk_at((const half *)t.x + quarter * t.depth + (channel + t.before));
	}
	MMA_INLINE Raw read(int pixel) const {
		Raw r = {addition(pixel), {}, {}};
		if (p.out.mask.kind) r.mask = load(p.out.mask.x, pixel);
		if (S::backward && p.statistics.kind) r.raw = load(p.statistics.raw, pixel);
		return r;
	}
	MMA_INLINE void mask(Eight &e, const Raw &r) const {
		if (p.out.mask.kind == term_none) return;
		Eight m = unpack(r.mask);
		if (p.out.mask.kind != term_plain) { // a batch norm, with or without ReLU
			const Eight scale = eight_at(&k.a[channel]), shift = eight_at(&k.b[channel]);
#pragma unroll
			for (int i = 0; i < 8; i++) m.v[i] = fma(m.v[i], scale.v[i], shift.v[i]);
		}
#pragma unroll
		for (int i = 0; i < 8; i++) e.v[i] = m.v[i] > 0 ? e.v[i] : 0;
	}
	MMA_INLINE Chunk apply(const Chunk &product, const Raw &r) const {
		Eight e = unpack(product);
		if (p.out.second.kind) {
			const Eight add = unpack(r.add);
			const float factor = p.out.second.kind == term_pool_gradient ? 0.25f : 1;
#pragma unroll
			for (int i = 0; i < 8; i++) e.v[i] = fma(factor, add.v[i], e.v[i]);
		}
		mask(e, r);
		return pack(e);
	}
};

// Stores the staged result, through the epilogue, and sums over it.
template <class S> MMA_INLINE void store_result(half *staged, const Convolution &p, const Line<S::columns> &k) {
	const int channels = S::columns, parts = channels / 8, rounds = S::pixels * parts / threads, batch = rounds < 2 ? rounds : 2;
	const int begin = (int)threadIdx.x / parts, stride = threads / parts, channel = (int)threadIdx.x % parts * 8;
	float (*scratch)[warps][channels] = (float (*)[warps][channels])(staged + S::pixels * pitch<channels>), *mean = scratch[2][0];
	Epilogue<S> epilogue = {p, k, channel, {}};
	const bool products = S::backward && p.statistics.kind; // forward: moments
	if (products) epilogue.mean = eight_at(&p.statistics.moments[channel]);
	Eight sum = {}, other = {};
#pragma unroll 1
	for (int round = 0; round < rounds; round += batch) {
		typename Epilogue<S>::Raw raw[batch];
#pragma unroll
		for (int i = 0; i < batch; i++) raw[i] = epilogue.read(begin + (round + i) * stride);
#pragma unroll
		for (int i = 0; i < batch; i++) {
			const int pixel = begin + (round + i) * stride;
			Chunk *result = (Chunk *)&staged[pixel * pitch<channels> + channel];
			const Chunk c = epilogue.apply(*result, raw[i]);
			*result = c;
			*(Chunk *)&p.stored[epilogue.at(pixel)] = c;
			const Eight e = unpack(c), x = unpack(raw[i].raw);
#pragma unroll
			for (int j = 0; j < 8; j++) {
				sum.v[j] += e.v[j];
				other.v[j] = fma(e.v[j], x.v[j] - epilogue.mean.v[j], other.v[j]);
			}
		}
	}
	if (p.statistics.kind == statistics_none) return;
	float first = column_sum<channels>(sum, scratch[0]);
	if constexpr (S::backward) {
		float second = column_sum<channels>(other, scratch[1]);
		if (threadIdx.x < channels) second /= sqrt_rn(k.d[threadIdx.x] + p.statistics.eps);
		return finish<channels, S::backward>(p.statistics, first, second, S::pixels, p.images, staged);
	} else {
		first *= 1.0f / (float)S::pixels;
		if (threadIdx.x < channels) mean[threadIdx.x] = first;
		__syncthreads();
		const Eight center = eight_at(&mean[channel]);
		Eight squares = {};
	#pragma unroll 2
		for (int i = 0; i < rounds; i++) {
			const Eight e = unpack(*(const Chunk *)&staged[(begin + i * stride) * pitch<channels> + channel]);
	#pragma unroll
			for (int j = 0; j < 8; j++) {
				float d = e.v[j] - center.v[j];
				squares.v[j] = fma(d, d, squares.v[j]);
			}
		}
		finish<channels, S::backward>(p.statistics, first, column_sum<channels>(squares, scratch[1]), S::pixels, p.images, staged);
	}
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
		if (products) mask.d[threadIdx.x] = variance;
		unfold<T>(tile, weights + weights_halves<S>, p.in.first.x, own_image());
	} else {
		const Norm of_first = fetch<T::channels, S::backward>(p.in.first);
		Norm of_second = {};
		if constexpr (!S::backward) of_second = fetch<T::channels, false>(p.in.second);
		prepare<false>(p.out.mask, of_mask, mask);
		if (products) mask.d[threadIdx.x] = variance;
		prepare<S::backward>(p.in.first, of_first, first);
		if constexpr (!S::backward) prepare<false>(p.in.second, of_second, second);
		clear_border<T>(tile);
		__syncthreads();
		if constexpr (S::backward)
			fill_gradient<T, T::channels, 4>(tile, p.in, first, own_image(), 0);
		else
			fill_activation<T, T::source_side == T::side, 4>(tile, p.in, first, second, joined, own_image());
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
