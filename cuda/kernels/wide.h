// Sources of more channels than a block has coefficients for: a block takes a slice of at most max_channels of them, of all its pixels.
#pragma once
#include "statistics.h"

// The channels of a block, of a tensor's.
struct Slice {
	int first, count;
};

INLINE Slice slice_of(int channels, int number) {
	const int first = number * max_channels;
	return Slice{first, channels - first < max_channels ? channels - first : max_channels};
}

// A term of a source of storage type T as the channels from `first` on see it.
template <class T> INLINE Term from_channel(Term t, int first) {
	switch (t.kind) {
	case term_pool:
	case term_subsample: t.before -= first; break;
	case term_pool_gradient:
	case term_subsample_gradient: t.before += first; break;
	case term_average_gradient: t.x = (const float *)t.x + first; break;
	default:
		t.x = (const T *)t.x + first;
		t.g = (const T *)t.g + first;
	}
	return t;
}

template <class T> INLINE Source from_channel(const Source &s, int first) {
	return Source{from_channel<T>(s.first, first), from_channel<T>(s.second, first), from_channel<T>(s.mask, first), s.relu, s.height, s.width, s.channels};
}

// What prepare_term reads of a slice of channels.
struct Staged {
	float moments[2 * max_channels], gamma[max_channels], beta[max_channels], sums[2 * max_channels];
};

// prepare_term for a slice. A thread copies what it then reads itself, so that no barrier is needed between.
INLINE void prepare_slice(Term t, int channels, Slice slice, Staged &s, float *a, float *b, float *d) {
	const bool gradient = t.kind == term_norm_gradient;
	if (t.kind != term_norm && t.kind != term_norm_relu && !gradient) return;
	for (int c = (int)threadIdx.x; c < slice.count; c += (int)blockDim.x) {
		s.moments[c] = t.moments[slice.first + c];
		s.moments[slice.count + c] = t.moments[channels + slice.first + c];
		s.gamma[c] = t.gamma[slice.first + c];
		if (!gradient) {
			s.beta[c] = t.beta[slice.first + c];
		} else if (t.count > 0) {
			s.sums[c] = t.sums[slice.first + c];
			s.sums[slice.count + c] = t.sums[channels + slice.first + c];
		}
	}
	t.moments = s.moments;
	t.gamma = s.gamma;
	t.beta = s.beta;
	t.sums = s.sums;
	prepare_term(t, slice.count, a, b, d);
}

// Fills the coefficients of a slice; a barrier must follow.
INLINE void prepare_slice(const Source &s, Slice slice, Staged &staged, Coefficients &k) {
	prepare_slice(s.first, s.channels, slice, staged, k.a[0], k.b[0], k.d);
	prepare_slice(s.second, s.channels, slice, staged, k.a[1], k.b[1], nullptr);
	prepare_slice(s.mask, s.channels, slice, staged, k.a[2], k.b[2], nullptr);
}
