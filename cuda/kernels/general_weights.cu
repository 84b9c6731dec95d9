// The gradient of a convolution's weights for any number of channels, windows and strides, in fp32 on CUDA cores (general.h).
//
// dw[ky, kx, c, o] = sum over n, oy, ox of x[n, oy stride - pad + ky, ox stride - pad + kx, c] dy[n, oy, ox, o]: rows of the product are taps and
// channels of x, columns channels of dy, terms the pixels of a slice of the batch, in their order. The update adds the slices in order.
#include "general.h"

const int stretch = 16; // of a sum, in steps of `depth` terms

extern "C" __global__ void __launch_bounds__(threads, 2) general_conv_weights(General<float> p) {
	__shared__ Terms terms;
	const int t = (int)threadIdx.x, slice = (int)blockIdx.x, area = p.y_high * p.y_wide, taps = p.window * p.window;
	const long long pixels = (long long)p.images * area;
	const int begin = (int)(pixels * slice / p.slices), end = (int)(pixels * (slice + 1) / p.slices);

	// This thread fetches four channels of a tap and four of dy, for every 16th pixel.
	const int row = (int)blockIdx.y * tile + t % 16 * 4, tap = row / p.channels, channel = row % p.channels;
	const int column = (int)blockIdx.z * tile + t % 16 * 4;
	int at = begin + t / 16, image = at / area, oy = at / p.y_wide % p.y_high, ox = at % p.y_wide;
	auto fetch_x = [&]() {
		const int y = oy * p.stride - p.pad + tap / p.window, x = ox * p.stride - p.pad + tap % p.window;
		if (at >= end || tap >= taps || y < 0 || x < 0 || y >= p.high || x >= p.wide) return float4{0, 0, 0, 0};
		return load4(p.x + (((size_t)image * p.high + y) * p.wide + x) * p.channels + channel);
	};
	auto fetch_dy = [&]() {
		if (at >= end || column >= p.outputs) return float4{0, 0, 0, 0};
		return load4(p.y + (size_t)at * p.outputs + column);
	};

	Sums sums = {};
	float4 next_x = fetch_x(), next_dy = fetch_dy();
	const int steps = (end - begin + depth - 1) / depth;
	for (int step = 0; step < steps; step++) {
		__syncthreads();
		store4(&terms.rows[t / 16 * pitch + t % 16 * 4], next_x);
		store4(&terms.columns[t / 16 * pitch + t % 16 * 4], next_dy);
		__syncthreads();
		at += depth;
		for (ox += depth; ox >= p.y_wide; ox -= p.y_wide) oy++;
		for (; oy >= p.y_high; oy -= p.y_high) image++;
		next_x = fetch_x();
		next_dy = fetch_dy();
		add_terms(terms, t / 16 * 4, t % 16 * 4, sums);
		if (step % stretch == stretch - 1) end_stretch(sums);
	}
	end_stretch(sums);

	const int own_column = (int)blockIdx.z * tile + t % 16 * 4;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		const int r = (int)blockIdx.y * tile + t / 16 * 4 + i, c = r % p.channels;
		if (r / p.channels >= taps || c >= p.inputs || own_column >= p.outputs) continue;
		store4(p.result + (((size_t)slice * taps + r / p.channels) * p.inputs + c) * p.outputs + own_column, sums.total[i]);
	}
}
EXPORT_KERNEL(general_conv_weights)
