// The sizes of a convolution of any window, stride and number of channels, for the kernels of general_*.cu.
#pragma once
#include "source.h"

// What a convolution and both its gradients read and write. Images are NHWC of a storage type T, x [images, high, wide, channels] and y [images,
// y_high, y_wide, outputs]; weights [window, window, inputs, outputs], where channels from inputs on are zero.
template <class T, class Result = T> struct General {
	const T *x, *y, *weights;
	Result *result; // y, the gradient of x, or slices of that of the weights [slices, window, window, inputs, outputs]
	int images, high, wide, channels, y_high, y_wide, outputs;
	int inputs, window, stride, pad, slices;
};

// The taps of a pixel of the result along one axis: tap t reads pixel `begin + direction t`, and the weights of tap `first + step t`.
struct Axis {
	int count, first, step, direction;
};

// Backward of pixels that leave a remainder by the stride, which have the same taps.
template <bool backward> INLINE Axis axis(int window, int stride, int pad, int remainder) {
	if (!backward) return Axis{window, 0, 1, 1};
	int first = (remainder + pad) % stride;
	return Axis{first < window ? (window - first + stride - 1) / stride : 0, first, stride, -1};
}
