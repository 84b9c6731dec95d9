// Convolution and both its gradients on tensor cores for any window and stride and any multiple of 8 channels, fp16 with fp32 sums, as products of
// matrices (general_mma.h). The images have 4 channels: `narrow` kernels take those of two taps as 8 terms.
//
// y[n, oy, ox, o] = sum over ky, kx, c of x[n, oy stride - pad + ky, ox stride - pad + kx, c] w[ky, kx, c, o]: rows of the product are the pixels
// of all images, columns the channels of the result, terms run over ky, kx, then c. dx is gathered as in general_conv.cu: pixels whose y and x
// leave the same remainders by the stride have the same taps, and blockIdx.z numbers these classes.
//
// dw[ky, kx, c, o] = sum over n, oy, ox of x[n, oy stride - pad + ky, ox stride - pad + kx, c] dy[n, oy, ox, o]: rows of the product are taps and
// channels of x, columns channels of dy, terms the pixels of a slice of the batch, in their order. The update adds the slices in order.
#include "general_mma.h"

const int narrow_channels = 4;

// A place in the sum of a pixel: a tap, row ty and column tx of those that the pixel has, and a channel; of narrow images always the first one.
template <bool narrow> struct Place {
	int ty, tx, channel;
	// `by` terms on, of pixels that have `wide` columns of taps
	INLINE void move(int by, int channels, int wide) {
		if constexpr (narrow) {
			for (tx += by / narrow_channels; tx >= wide; tx -= wide) ty++;
		} else {
			for (channel += by; channel >= channels; channel -= channels)
				if (++tx == wide) {
					tx = 0;
					ty++;
				}
		}
	}
};

template <int high, bool backward, bool narrow> INLINE void convolve(const General<half> &p) {
	using T = Tile<high, true, backward>;
	using Left = typename T::Left;
	using Right = typename T::Right;
	const int pitch = columns + 8; // of the result in shared memory
	static_assert(high * pitch <= T::halves, "the result takes the place of the factors");
	alignas(16) __shared__ half ring[T::halves];
	const half *source = backward ? p.y : p.x;
	const int tall = backward ? p.y_high : p.high, wide = backward ? p.y_wide : p.wide;
	const int channels = narrow ? narrow_channels : backward ? p.outputs : p.channels, width = backward ? p.inputs : p.outputs; // width: channels of the result
	const int result_high = backward ? p.high : p.y_high, result_wide = backward ? p.wide : p.y_wide;
	// Rows of this class are `rows_high` x `rows_wide` pixels of each image, `apart` from each other.
	const int apart = backward ? p.stride : 1, class_y = (int)blockIdx.z / apart, class_x = (int)blockIdx.z % apart;
	const int rows_high = (result_high - class_y + apart - 1) / apart, rows_wide = (result_wide - class_x + apart - 1) / apart;
	const int rows = p.images * rows_high * rows_wide, first_row = (int)blockIdx.x * high, first_column = (int)blockIdx.y * columns;
	if (first_row >= rows) return;
	const Axis ys = axis<backward>(p.window, p.stride, p.pad, class_y), xs = axis<backward>(p.window, p.stride, p.pad, class_x);
	const int terms = ys.count * xs.count * channels;

	// The image of each row that this thread copies terms of, and the pixel of its first tap; beyond the last row, one above all images.
	const half *image[Left::rounds];
	int begin_y[Left::rounds], begin_x[Left::rounds];
#pragma unroll
	for (int i = 0; i < Left::rounds; i++) {
		const int row = first_row + Left::row(i), n = row / (rows_high * rows_wide), y = row / rows_wide % rows_high, x = row % rows_wide;
		image[i] = source + (size_t)(row < rows ? n : 0) * tall * wide * channels;
		begin_y[i] = row >= rows ? -0x40000000 : backward ? y + (class_y + p.pad - ys.first) / apart : y * p.stride - p.pad;
		begin_x[i] = backward ? x + (class_x + p.pad - xs.first) / apart : x * p.stride - p.pad;
	}
	Place<narrow> place = {0, 0, 0};
	int step_terms = 0; // that are fetched
	if (terms > 0) place.move(Left::term(0), channels, xs.count);

	auto copy_pixel = [&](half *to, int i, const Place<narrow> &at) {
		const int y = begin_y[i] + xs.direction * at.ty, x = begin_x[i] + xs.direction * at.tx;
		const bool valid = at.ty < ys.count && y >= 0 && x >= 0 && y < tall && x < wide;
		copy_async<narrow ? 8 : 16>(to, valid ? image[i] + (size_t)(y * wide + x) * channels + at.channel : source, valid);
	};
	auto copy_weights = [&](half *to, int i) {
		const int column = first_column + Right::row(i), k = step_terms + Right::term(i);
		if constexpr (backward) {
			const int tap = (ys.first + ys.step * place.ty) * p.window + xs.first + xs.step * place.tx;
			const bool valid = place.ty < ys.count && column < width;
			copy_async(to, valid ? p.weights + ((size_t)tap * width + column) * channels + place.channel : p.weights, valid);
		} else {
			const bool valid = k < terms && column < width && (!narrow || k % narrow_channels < p.inputs);
			copy_async(to, valid ? p.weights + (size_t)(narrow ? k / narrow_channels * p.inputs + k % narrow_channels : k) * width + column : p.weights, valid);
		}
	};
	auto fetch = [&](half *left, half *right) {
		Place<narrow> next = place;
		if constexpr (narrow) next.move(narrow_channels, channels, xs.count);
#pragma unroll
		for (int i = 0; i < Left::rounds; i++) {
			half *to = &left[Left::at(Left::row(i), Left::term(i))];
			copy_pixel(to, i, place);
			if constexpr (narrow) copy_pixel(to + narrow_channels, i, next);
		}
#pragma unroll
		for (int i = 0; i < Right::rounds; i++) copy_weights(&right[Right::at(Right::row(i), Right::term(i))], i);
		place.move(depth, channels, xs.count);
		step_terms += depth;
	};
	typename T::Sums sum = {};
	T::multiply(ring, (terms + depth - 1) / depth, fetch, sum);

	__syncthreads();
	T::each_pair(sum, [&](int row, int column, float a, float b) { *(unsigned *)&ring[row * pitch + column] = pack_half(a, b); });
	__syncthreads();
	for (int i = (int)threadIdx.x; i < high * columns / 8; i += threads) {
		const int row = i / (columns / 8), r = first_row + row, part = i % (columns / 8) * 8;
		if (r >= rows || first_column + part >= width) continue;
		const int n = r / (rows_high * rows_wide), y = r / rows_wide % rows_high * apart + class_y, x = r % rows_wide * apart + class_x;
		*(Chunk *)(p.result + (((size_t)n * result_high + y) * result_wide + x) * width + first_column + part) = *(const Chunk *)&ring[row * pitch + part];
	}
}

// A pixel of y, and how far `depth` pixels are in each direction.
struct Pixel { int image, y, x; };

INLINE Pixel pixel_at(int at, int high, int wide) { return Pixel{at / (high * wide), at / wide % high, at % wide}; }

INLINE void move(Pixel &p, const Pixel &by, int high, int wide) {
	p.x += by.x;
	p.y += by.y;
	p.image += by.image;
	if (p.x >= wide) {
		p.x -= wide;
		p.y++;
	}
	if (p.y >= high) {
		p.y -= high;
		p.image++;
	}
}

template <int high, bool narrow> INLINE void weigh(const General<half, float> &p) {
	using T = Tile<high, false, false>;
	using Left = typename T::Left;
	using Right = typename T::Right;
	alignas(16) __shared__ half ring[T::halves];
	const int slice = (int)blockIdx.x, first_row = (int)blockIdx.y * high, first_column = (int)blockIdx.z * columns;
	const int taps = p.window * p.window, channels = narrow ? narrow_channels : p.channels;
	const long long pixels = (long long)p.images * p.y_high * p.y_wide;
	const int begin = (int)(pixels * slice / p.slices), end = (int)(pixels * (slice + 1) / p.slices);

	// This thread copies channels of one tap, of narrow images of two taps, and of dy, for some pixels of each stage.
	const int row = first_row + Left::row(0), tap = row / channels, channel = row % channels, column = first_column + Right::row(0);
	const Pixel stride = pixel_at(depth, p.y_high, p.y_wide);
	Pixel pixel[Left::rounds];
#pragma unroll
	for (int i = 0; i < Left::rounds; i++) pixel[i] = pixel_at(begin + Left::term(i), p.y_high, p.y_wide);
	int first = begin;

	auto copy_x = [&](half *to, int i, int tap) {
		const int y = pixel[i].y * p.stride - p.pad + tap / p.window, x = pixel[i].x * p.stride - p.pad + tap % p.window;
		const bool valid = first + Left::term(i) < end && tap < taps && y >= 0 && x >= 0 && y < p.high && x < p.wide;
		copy_async<narrow ? 8 : 16>(to, valid ? p.x + (((size_t)pixel[i].image * p.high + y) * p.wide + x) * channels + channel : p.x, valid);
	};
	auto fetch = [&](half *left, half *right) {
#pragma unroll
		for (int i = 0; i < Left::rounds; i++) {
			half *to = &left[Left::at(Left::row(i), Left::term(i))];
			copy_x(to, i, tap);
			if constexpr (narrow) copy_x(to + narrow_channels, i, tap + 1);
			move(pixel[i], stride, p.y_high, p.y_wide);
		}
#pragma unroll
		for (int i = 0; i < Right::rounds; i++) {
			const int at = first + Right::term(i);
			const bool valid = at < end && column < p.outputs;
			copy_async(&right[Right::at(Right::row(i), Right::term(i))], valid ? p.y + (size_t)at * p.outputs + column : p.y, valid);
		}
		first += depth;
	};
	typename T::Sums sum = {};
	T::multiply(ring, (end - begin + depth - 1) / depth, fetch, sum);

	T::each_pair(sum, [&](int row, int column, float a, float b) {
		const int r = first_row + row, tap = r / channels, c = r % channels, o = first_column + column;
		if (tap >= taps || c >= p.inputs || o >= p.outputs) return;
		*(float2 *)(p.result + (((size_t)slice * taps + tap) * p.inputs + c) * p.outputs + o) = float2{a, b};
	});
}

// The number is that of a tile's rows; enough registers for three blocks a multiprocessor, of 64 rows for four.
#define PRODUCT(name, high, Result, function, ...)                                                                                         \
	extern "C" __global__ void __launch_bounds__(threads, high == 64 ? 4 : 3) name(General<half, Result> p) { function<high, __VA_ARGS__>(p); } \
	EXPORT_KERNEL(name)

PRODUCT(general_mma_conv_64, 64, half, convolve, false, false)
PRODUCT(general_mma_conv_128, 128, half, convolve, false, false)
PRODUCT(general_mma_stem, 128, half, convolve, false, true)
PRODUCT(general_mma_gradient_64, 64, half, convolve, true, false)
PRODUCT(general_mma_gradient_128, 128, half, convolve, true, false)
PRODUCT(general_mma_weights_64, 64, float, weigh, false)
PRODUCT(general_mma_weights_128, 128, float, weigh, false)
PRODUCT(general_mma_stem_weights, 128, float, weigh, true)
