// What happens to 16-bit values on their way into a tile: the sources (source.h) that networks have, 8 channels at a time, each a
// prologue for fill() in mma_tile.h, chosen once for the whole block. package mmaconv knows the list and refuses others.
#pragma once
#include "mma_tile.h"

namespace mma {

// ---- coefficients of batch norms, by channel, in shared memory ----

template <int channels> struct Line { alignas(16) float a[channels], b[channels], d[channels]; };

// Norms are a * x + b, their gradients a * g + b * x + d; a place that may have one never has the other. A kernel fetches what all its
// terms need, thread c of channel c, before it prepares the first, so that all loads are under way at once.
struct Norm {
	bool there;
	float mean, variance, gamma, first, second; // beta, or the two sums of a gradient
};
template <int channels, bool gradient> MMA_INLINE Norm fetch(const Term &t) {
	const int c = (int)threadIdx.x;
	const bool there = gradient ? t.kind == term_norm_gradient : t.kind == term_norm || t.kind == term_norm_relu;
	if (!there || c >= channels) return {};
	Norm n = {true, t.moments[c], t.moments[channels + c], t.gamma[c], 0, 0};
	if (!gradient) {
		n.first = t.beta[c];
	} else if (t.count > 0) {
		n.first = t.sums[c];
		n.second = t.sums[channels + c];
	}
	return n;
}
// As prepare_term in source.h. A barrier must follow.
template <bool gradient, int channels> MMA_INLINE void prepare(const Term &t, const Norm &n, Line<channels> &k) {
	if (!n.there) return;
	const int c = (int)threadIdx.x;
	const float inverse = 1 / sqrt_rn(n.variance + t.eps), scale = n.gamma * inverse;
	k.a[c] = scale;
	if (!gradient) {
		k.b[c] = fma(-scale, n.mean, n.first);
		return;
	}
	const float slope = t.count > 0 ? scale * inverse * (n.second * t.scale) / t.count : 0;
	k.b[c] = -slope;
	k.d[c] = t.count > 0 ? fma(slope, n.mean, -(scale * (n.first * t.scale) / t.count)) : 0;
}

// ---- prologues: read() fetches what pixel `pixel` of the image needs, value() makes 8 channels of it ----

// One thread's 8 channels of one image of a tensor of `channels` channels, `pixels` pixels an image.
struct Place {
	size_t image; // of the block's grid
	int channel;
	half *joined; // gets the source's values, if it is there
};
template <int channels> MMA_INLINE const half *start(const void *x, const Place &p, int pixels) {
	return (const half *)x + (p.image * pixels * channels + p.channel);
}

// x as it is.
template <int channels> struct Plain {
	using Raw = Chunk;
	const half *x;
	MMA_INLINE Raw read(int pixel) const { return chunk_at(&x[pixel * channels]); }
	MMA_INLINE Chunk value(const Raw &raw, int) const { return raw; }
};

// max(x * scale + shift, low): a batch norm, with ReLU if low is 0.
template <int channels> struct Normalise {
	using Raw = Chunk;
	const half *x;
	half *joined;
	float low;
	Eight scale, shift;
	MMA_INLINE Normalise(const Source &s, const Line<channels> &k, const Place &p, int pixels)
		: x(start<channels>(s.first.x, p, pixels)), joined(p.joined ? p.joined + (x - (const half *)s.first.x) : nullptr),
		  low(s.relu || s.first.kind == term_norm_relu ? 0 : float_of(0xff800000)), scale(eight_at(&k.a[p.channel])), shift(eight_at(&k.b[p.channel])) {}
	MMA_INLINE Raw read(int pixel) const { return chunk_at(&x[pixel * channels]); }
	MMA_INLINE Chunk value(const Raw &raw, int pixel) const {
		Eight e = unpack(raw);
#pragma unroll
		for (int i = 0; i < 8; i++) e.v[i] = max_f(fma(e.v[i], scale.v[i], shift.v[i]), low);
		Chunk c = pack(e);
		if (joined) *(Chunk *)&joined[pixel * channels] = c;
		return c;
	}
};

enum Shortcut { direct, normalised, halved }; // a tensor of the same shape; one behind a batch norm; term_pool or term_subsample

// relu(x * scale + shift + shortcut): the end of a residual block.
template <int channels, int side, Shortcut shortcut> struct Join {
	struct Raw { Chunk x, other; };
	static constexpr int few = channels / 2; // channels of a halved shortcut's tensor, which has twice the side
	const half *x, *other;
	half *joined;
	int before; // of the thread's channels in a halved shortcut's tensor; negative: outside
	bool pool;
	Eight scale, shift;
	const Line<channels> &line; // of a normalised shortcut
	int channel;

	MMA_INLINE Join(const Source &s, const Line<channels> &k, const Line<channels> &second, const Place &p)
		: x(start<channels>(s.first.x, p, side * side)), joined(p.joined ? p.joined + (x - (const half *)s.first.x) : nullptr),
		  before(p.channel - s.second.before), pool(s.second.kind == term_pool), scale(eight_at(&k.a[p.channel])), shift(eight_at(&k.b[p.channel])),
		  line(second), channel(p.channel) {
		if (before >= few) before = -1;
		other = shortcut == halved ? (const half *)s.second.x + (p.image * (4 * side * side * few) + (before < 0 ? 0 : before)) : start<channels>(s.second.x, p, side * side);
	}
	MMA_INLINE Chunk corner(int pixel, int which) const {
		return chunk_at(&other[((pixel / side * 2 + which / 2) * 2 * side + pixel % side * 2 + which % 2) * few]);
	}
	MMA_INLINE Raw read(int pixel) const {
		Raw r = {chunk_at(&x[pixel * channels]), Chunk{}};
		if constexpr (shortcut != halved)
			r.other = chunk_at(&other[pixel * channels]);
		else if (before >= 0)
			r.other = corner(pixel, 0);
		return r;
	}
	MMA_INLINE Eight around(const Raw &raw, int pixel) const {
		Eight e = unpack(raw.other);
		if constexpr (shortcut == normalised) {
			const Eight a = eight_at(&line.a[channel]), b = eight_at(&line.b[channel]);
#pragma unroll
			for (int i = 0; i < 8; i++) e.v[i] = fma(e.v[i], a.v[i], b.v[i]);
		}
		if constexpr (shortcut == halved)
			if (pool && before >= 0) {
				const Eight right = unpack(corner(pixel, 1)), low = unpack(corner(pixel, 2)), last = unpack(corner(pixel, 3));
#pragma unroll
				for (int i = 0; i < 8; i++) e.v[i] = 0.25f * ((e.v[i] + right.v[i]) + (low.v[i] + last.v[i]));
			}
		return e;
	}
	MMA_INLINE Chunk value(const Raw &raw, int pixel) const {
		Eight e = unpack(raw.x), o = around(raw, pixel);
#pragma unroll
		for (int i = 0; i < 8; i++) e.v[i] = max_f(fma(e.v[i], scale.v[i], shift.v[i]) + o.v[i], 0);
		Chunk c = pack(e);
		if (joined) *(Chunk *)&joined[pixel * channels] = c;
		return c;
	}
};

// a * g + b * x + d: the gradient of a batch norm's input from the gradient g of its result. The coefficients stay in shared memory:
// beside the sums of the weights' gradient there are no registers for them.
template <int channels> struct NormGradient {
	struct Raw { Chunk g, x; };
	const half *g, *x;
	const float *a, *b, *d;
	MMA_INLINE NormGradient(const Source &s, const Line<channels> &k, const Place &p, int pixels)
		: g(start<channels>(s.first.g, p, pixels)), x(start<channels>(s.first.x, p, pixels)), a(&k.a[p.channel]), b(&k.b[p.channel]), d(&k.d[p.channel]) {}
	MMA_INLINE Raw read(int pixel) const { return {chunk_at(&g[pixel * channels]), chunk_at(&x[pixel * channels])}; }
	MMA_INLINE Chunk value(const Raw &raw, int) const {
		Eight e = unpack(raw.g), o = unpack(raw.x), slope = eight_at(b), shift = eight_at(d), scale = eight_at(a);
#pragma unroll
		for (int i = 0; i < 8; i++) e.v[i] = fma(scale.v[i], e.v[i], fma(slope.v[i], o.v[i], shift.v[i]));
		return pack(e);
	}
};

// ---- which of them a source is ----

// Fills a tile with an activation: x, norm(x), relu(norm(x)), or, if `joins`, relu(norm(x) + shortcut).
template <class T, bool joins, int most> MMA_INLINE void fill_activation(half *tile, const Source &s, const Line<T::channels> &k, const Line<T::channels> &second, half *joined, int image) {
	const int channels = T::channels;
	const Place p = {(size_t)image, (int)threadIdx.x % T::parts * 8, joined};
	if (s.first.kind == term_plain) return fill<T, most>(tile, Plain<channels>{start<channels>(s.first.x, p, T::source_side * T::source_side)});
	if (!joins || s.second.kind == term_none) return fill<T, most>(tile, Normalise<channels>(s, k, p, T::source_side * T::source_side));
	if constexpr (joins) {
		if (s.second.kind == term_plain) return fill<T, most>(tile, Join<channels, T::side, direct>(s, k, second, p));
		if constexpr (channels > 16) {
			if (s.second.kind == term_norm) return fill<T, most>(tile, Join<channels, T::side, normalised>(s, k, second, p));
			fill<T, most>(tile, Join<channels, T::side, halved>(s, k, second, p));
		}
	}
}

// Fills a tile with channels `first` and on of a gradient, as it is or through a batch norm.
template <class T, int channels, int most> MMA_INLINE void fill_gradient(half *tile, const Source &s, const Line<channels> &k, int image, int first) {
	const Place p = {(size_t)image, first + (int)threadIdx.x % T::parts * 8, nullptr};
	if (s.first.kind == term_norm_gradient)
		fill<T, most>(tile, NormGradient<channels>(s, k, p, T::side * T::side));
	else
		fill<T, most>(tile, Plain<channels>{start<channels>(s.first.x, p, T::side * T::side)});
}

// ---- the first layer: 3 channels, 3x3 taps, as 27 of 32 channels of a 1x1 convolution ----

const int stem_side = 32, stem_depth = 32, stem_rows = 27, stem_stored = 4; // stem_stored: channels of the image in memory, the last unused
const int stem_row = stem_side + 2, stem_raw_halves = stem_row * stem_row * stem_stored;

// Channel tap * 3 + c of the tile is channel c of the image at the tap, channels 27 to 31 are zero. raw: stem_raw_halves of shared
// memory for the image with its border. Ends before the barrier that the tile's readers need.
template <class T> MMA_INLINE void unfold(half *tile, half *raw, const void *images, int image) {
	uint2 *pixels = (uint2 *)raw;
	const uint2 *from = (const uint2 *)images + (size_t)image * stem_side * stem_side;
	for (int i = threadIdx.x; i < stem_row * stem_row; i += threads) {
		int y = i / stem_row - 1, x = i % stem_row - 1;
		bool inside = y >= 0 && y < stem_side && x >= 0 && x < stem_side;
		pixels[i] = inside ? from[y * stem_side + x] : uint2{0, 0};
	}
	__syncthreads();
#pragma unroll 1
	for (int pixel = threadIdx.x; pixel < stem_side * stem_side; pixel += threads) {
		unsigned short values[stem_depth] = {};
#pragma unroll
		for (int tap = 0; tap < 9; tap++) {
			uint2 p = pixels[(pixel / stem_side + tap / 3) * stem_row + pixel % stem_side + tap % 3];
			values[tap * 3] = (unsigned short)p.x;
			values[tap * 3 + 1] = (unsigned short)(p.x >> 16);
			values[tap * 3 + 2] = (unsigned short)p.y;
		}
#pragma unroll
		for (int part = 0; part < 4; part++) {
			Chunk c;
#pragma unroll
			for (int i = 0; i < 4; i++) c.words[i] = ::pack(values[part * 8 + i * 2], values[part * 8 + i * 2 + 1]);
			*(Chunk *)&tile[T::at(pixel, part)] = c;
		}
	}
}
} // namespace mma
