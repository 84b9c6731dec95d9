// Convolution and the gradient of its input for any number of channels, windows and strides, in fp32 on CUDA cores (general.h).
//
// y[n, oy, ox, o] = sum over ky, kx, c of x[n, oy stride - pad + ky, ox stride - pad + kx, c] w[ky, kx, c, o]: rows of the product are the pixels
// of all images, columns the channels of the result, terms run over ky, kx, then c.
//
// dx[n, y, x, c] = sum over ky, kx, o of dy[n, (y + pad - ky) / stride, (x + pad - kx) / stride, o] w[ky, kx, c, o], where the divisions leave no
// remainder. Pixels whose y and x leave the same remainders by the stride have the same taps: blockIdx.z numbers these classes.
#include "general.h"

const int stretch = 32; // of a sum, in steps of `depth` terms

// A place in the sum of a pixel: a tap and a channel.
struct Place {
	int tap, channel;
	INLINE void move(int by, int channels) {
		for (channel += by; channel >= channels; channel -= channels) tap++;
	}
};

template <bool backward> INLINE void general_convolve(const General<float> &p) {
	__shared__ Terms terms;
	const float *from = backward ? p.y : p.x;
	const int high = backward ? p.y_high : p.high, wide = backward ? p.y_wide : p.wide, channels = backward ? p.outputs : p.channels;
	const int width = backward ? p.inputs : p.outputs; // channels of the result
	const int result_high = backward ? p.high : p.y_high, result_wide = backward ? p.wide : p.y_wide;
	// Rows of this class are `rows_high` x `rows_wide` pixels of each image, `apart` from each other.
	const int apart = backward ? p.stride : 1, class_y = (int)blockIdx.z / apart, class_x = (int)blockIdx.z % apart;
	const int rows_high = (result_high - class_y + apart - 1) / apart, rows_wide = (result_wide - class_x + apart - 1) / apart;
	const int rows = p.images * rows_high * rows_wide, first_row = (int)blockIdx.x * tile, first_column = (int)blockIdx.y * tile;
	if (first_row >= rows) return;
	const Axis ys = axis<backward>(p.window, p.stride, p.pad, class_y), xs = axis<backward>(p.window, p.stride, p.pad, class_x);
	const int taps = ys.count * xs.count, steps = (taps * channels + depth - 1) / depth, t = (int)threadIdx.x;

	// This thread fetches four terms of one pixel, and four of one term's weights (backward, four terms of one column's).
	const int row = first_row + t / 4, image = row / (rows_high * rows_wide), row_y = row / rows_wide % rows_high, row_x = row % rows_wide;
	const int begin_y = backward ? row_y + (class_y + p.pad - ys.first) / apart : row_y * p.stride - p.pad;
	const int begin_x = backward ? row_x + (class_x + p.pad - xs.first) / apart : row_x * p.stride - p.pad;
	const int column = first_column + (backward ? t / 4 : t % 16 * 4);
	Place pixel = {0, 0}, weight = {0, 0};
	pixel.move(t % 4 * 4, channels);
	weight.move(backward ? t % 4 * 4 : t / 16, channels);

	auto fetch_pixel = [&]() {
		const int ty = pixel.tap / (xs.count > 0 ? xs.count : 1), tx = pixel.tap - ty * xs.count;
		const int y = begin_y + xs.direction * ty, x = begin_x + xs.direction * tx;
		if (row >= rows || pixel.tap >= taps || y < 0 || x < 0 || y >= high || x >= wide) return float4{0, 0, 0, 0};
		return load4(from + (((size_t)image * high + y) * wide + x) * channels + pixel.channel);
	};
	auto fetch_weight = [&]() {
		if (weight.tap >= taps || column >= width || (!backward && weight.channel >= p.inputs)) return float4{0, 0, 0, 0};
		const int ty = weight.tap / xs.count, tx = weight.tap - ty * xs.count;
		const int tap = (ys.first + ys.step * ty) * p.window + xs.first + xs.step * tx;
		if (backward) return load4(p.weights + ((size_t)tap * width + column) * channels + weight.channel);
		return load4(p.weights + ((size_t)tap * p.inputs + weight.channel) * width + column);
	};

	Sums sums = {};
	float4 next_pixel = fetch_pixel(), next_weight = fetch_weight();
	for (int step = 0; step < steps; step++) {
		__syncthreads();
		put_terms(terms.rows, t % 4 * 4, t / 4, next_pixel);
		if (backward)
			put_terms(terms.columns, t % 4 * 4, t / 4, next_weight);
		else
			store4(&terms.columns[t / 16 * pitch + t % 16 * 4], next_weight);
		__syncthreads();
		pixel.move(depth, channels);
		weight.move(depth, channels);
		next_pixel = fetch_pixel();
		next_weight = fetch_weight();
		add_terms(terms, t / 16 * 4, t % 16 * 4, sums);
		if (step % stretch == stretch - 1) end_stretch(sums);
	}
	end_stretch(sums);

	const int own_column = first_column + t % 16 * 4;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		const int r = first_row + t / 16 * 4 + i;
		if (r >= rows || own_column >= width) continue;
		const int n = r / (rows_high * rows_wide), y = r / rows_wide % rows_high * apart + class_y, x = r % rows_wide * apart + class_x;
		store4(p.result + (((size_t)n * result_high + y) * result_wide + x) * width + own_column, sums.total[i]);
	}
}

extern "C" __global__ void __launch_bounds__(threads, 2) general_conv(General<float> p) { general_convolve<false>(p); }
EXPORT_KERNEL(general_conv)
extern "C" __global__ void __launch_bounds__(threads, 2) general_conv_gradient(General<float> p) { general_convolve<true>(p); }
EXPORT_KERNEL(general_conv_gradient)
