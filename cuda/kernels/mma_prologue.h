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

// ---- prologues: read() fetches what the thread's pixel that is `i` pixels behind its first needs, value() makes 8 channels of it ----

// A thread's first 8 channels of one image of a tensor of `channels` channels, `pixels` pixels an image.
struct Own {
	size_t image; // of the block's grid
	int pixel, channel;
	half *joined; // gets the source's values, if it is there
};
template <int channels> MMA_INLINE const half *start(const void *x, const Own &p, int pixels) {
	return (const half *)x + ((p.image * pixels + p.pixel) * channels + p.channel);
}

// x as it is.
template <int channels> struct Plain {
	using Raw = Chunk;
	const half *x;
	MMA_INLINE void ready() {}
	MMA_INLINE Raw read(int i) const { return chunk_at(&x[i * channels]); }
	MMA_INLINE Chunk value(const Raw &raw, int) const { return raw; }
};

// max(x * scale + shift, low): a batch norm, with ReLU if low is 0.
template <int channels> struct Normalise {
	using Raw = Chunk;
	const Line<channels> &line;
	const half *x;
	half *joined;
	int channel;
	float low;
	Eight scale, shift;
	MMA_INLINE Normalise(const Source &s, const Line<channels> &k, const Own &p, int pixels)
		: line(k), x(start<channels>(s.first.x, p, pixels)), joined(p.joined ? p.joined + (x - (const half *)s.first.x) : nullptr), channel(p.channel),
		  low(s.relu || s.first.kind == term_norm_relu ? 0 : float_of(0xff800000)) {}
	MMA_INLINE void ready() { scale = eight_at(&line.a[channel]), shift = eight_at(&line.b[channel]); }
	MMA_INLINE Raw read(int i) const { return chunk_at(&x[i * channels]); }
	MMA_INLINE Chunk value(const Raw &raw, int i) const {
		Eight e = unpack(raw);
#pragma unroll
		for (int j = 0; j < 8; j++) e.v[j] = max_f(fma(e.v[j], scale.v[j], shift.v[j]), low);
		Chunk c = pack(e);
		if (joined) *(Chunk *)&joined[i * channels] = c;
		return c;
	}
};

enum Shortcut { direct, normalised, halved }; // a tensor of the same shape; one behind a batch norm; term_pool or term_subsample

// relu(x * scale + shift + shortcut): the end of a residual block.
template <int channels, int side, Shortcut shortcut> struct Join {
	struct Raw { Chunk x, other[shortcut == halved ? 4 : 1]; };
	static constexpr int few = channels / 2; // channels of a halved shortcut's tensor, which has twice the side
	const Line<channels> &line, &second; // second: of a normalised shortcut
	const half *x, *other;
	half *joined;
	int channel, before; // before: of the thread's channels in a halved shortcut's tensor; negative: outside
	bool pool;
	Eight scale, shift;

	MMA_INLINE Join(const Source &s, const Line<channels> &k, const Line<channels> &second, const Own &p)
		: line(k), second(second), x(start<channels>(s.first.x, p, side * side)), joined(p.joined ? p.joined + (x - (const half *)s.first.x) : nullptr),
		  channel(p.channel), before(p.channel - s.second.before), pool(s.second.kind == term_pool) {
		if (before >= few) before = -1;
		const int pixel = p.pixel / side * 4 * side + p.pixel % side * 2;
		other = shortcut == halved ? (const half *)s.second.x + ((p.image * 4 * side * side + pixel) * few + (before < 0 ? 0 : before))
			: start<channels>(s.second.x, p, side * side);
	}
	MMA_INLINE void ready() { scale = eight_at(&line.a[channel]), shift = eight_at(&line.b[channel]); }
	MMA_INLINE Raw read(int i) const {
		Raw r = {};
		r.x = chunk_at(&x[i * channels]);
		if constexpr (shortcut != halved) {
			r.other[0] = chunk_at(&other[i * channels]);
		} else if (before >= 0) {
			const half *corner = &other[i * 4 * few];
			r.other[0] = chunk_at(corner);
			if (pool) r.other[1] = chunk_at(corner + few), r.other[2] = chunk_at(corner + 2 * side * few), r.other[3] = chunk_at(corner + (2 * side + 1) * few);
		}
		return r;
	}
	MMA_INLINE Eight around(const Raw &raw) const {
		Eight e = unpack(raw.other[0]);
		if constexpr (shortcut == normalised) {
			const Eight a = eight_at(&second.a[channel]), b = eight_at(&second.b[channel]);
#pragma unroll
			for (int j = 0; j < 8; j++) e.v[j] = fma(e.v[j], a.v[j], b.v[j]);
		}
		if constexpr (shortcut == halved)
			if (pool) {
				const Eight right = unpack(raw.other[1]), low = unpack(raw.other[2]), last = unpack(raw.other[3]);
#pragma unroll
				for (int j = 0; j < 8; j++) e.v[j] = 0.25f * ((e.v[j] + right.v[j]) + (low.v[j] + last.v[j]));
			}
		return e;
	}
	MMA_INLINE Chunk value(const Raw &raw, int i) const {
		Eight e = unpack(raw.x), o = around(raw);
#pragma unroll
		for (int j = 0; j < 8; j++) e.v[j] = max_f(fma(e.v[j], scale.v[j], shift.v[j]) + o.v[j], 0);
		Chunk c = pack(e);
		if (joined) *(Chunk *)&joined[i * channels] = c;
		return c;
	}
};

// a * g + b * x + d: the gradient of a batch norm's input from the gradient g of its result.
MMA_INLINE Chunk norm_gradient(const Chunk &g, const Chunk &x, const Eight &a, const Eight &b, const Eight &d) {
	Eight e = unpack(g), o = unpack(x);
#pragma unroll
	for (int j = 0; j < 8; j++) e.v[j] = fma(a.v[j], e.v[j], fma(b.v[j], o.v[j], d.v[j]));
	return pack(e);
}
template <int channels> struct NormGradient {
	struct Raw { Chunk g, x; };
	const Line<channels> &line;
	const half *g, *x;
	int channel;
	Eight a, b, d;
	MMA_INLINE NormGradient(const Source &s, const Line<channels> &k, const Own &p, int pixels)
		: line(k), g(start<channels>(s.first.g, p, pixels)), x(start<channels>(s.first.x, p, pixels)), channel(p.channel) {}
	MMA_INLINE void ready() { a = eight_at(&line.a[channel]), b = eight_at(&line.b[channel]), d = eight_at(&line.d[channel]); }
	MMA_INLINE Raw read(int i) const { return {chunk_at(&g[i * channels]), chunk_at(&x[i * channels])}; }
	MMA_INLINE Chunk value(const Raw &raw, int) const { return norm_gradient(raw.g, raw.x, a, b, d); }
};

// ---- which of them a source is ----

// Fills a tile with an activation: x, norm(x), relu(norm(x)), or, if `joins`, relu(norm(x) + shortcut).
template <class T, bool joins, class Between>
MMA_INLINE void fill_activation(half *tile, const Source &s, const Line<T::channels> &k, const Line<T::channels> &second, half *joined, int image, const Between &between) {
	const int channels = T::channels, pixels = T::source_side * T::source_side;
	const Own p = {(size_t)image, T::source(T::own_pixel()), (int)threadIdx.x % T::parts * 8, joined};
	if (s.first.kind == term_plain) return fill<T, 8>(tile, Plain<channels>{start<channels>(s.first.x, p, pixels)}, between);
	if (!joins || s.second.kind == term_none) return fill<T, 8>(tile, Normalise<channels>(s, k, p, pixels), between);
	if constexpr (joins) {
		if (s.second.kind == term_plain) return fill<T, 4>(tile, Join<channels, T::side, direct>(s, k, second, p), between);
		if constexpr (channels > 16) {
			if (s.second.kind == term_norm) return fill<T, 4>(tile, Join<channels, T::side, normalised>(s, k, second, p), between);
			fill<T, 2>(tile, Join<channels, T::side, halved>(s, k, second, p), between);
		}
	}
}

// Fills a tile with a gradient, as it is or through a batch norm.
template <class T, class Between> MMA_INLINE void fill_gradient(half *tile, const Source &s, const Line<T::channels> &k, int image, const Between &between) {
	const int channels = T::channels, pixels = T::side * T::side;
	const Own p = {(size_t)image, T::own_pixel(), (int)threadIdx.x % T::parts * 8, nullptr};
	if (s.first.kind == term_norm_gradient)
		fill<T, 4>(tile, NormGradient<channels>(s, k, p, pixels), between);
	else
		fill<T, 8>(tile, Plain<channels>{start<channels>(s.first.x, p, pixels)}, between);
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
		copy_async<8>(&pixels[i], inside ? &from[y * stem_side + x] : from, inside);
	}
	copy_async_commit();
	copy_async_wait<0>();
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
