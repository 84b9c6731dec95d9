// Convolution and the gradient of its input, in fp32 arithmetic on CUDA cores: the reference, and what tensor cores do not take.
//
// y[n, oy, ox, o] = sum over ky, kx, c of in[n, oy stride - pad + ky, ox stride - pad + kx, c] w[ky, kx, c, o]; the gradient of the
// input is the same sum with pad K - 1 - pad, stride 1, both axes of the window turned round, c and o exchanged, and the input spread
// out by `dilation` with zeros between.
//
// A block of 128 threads computes a tile of 8 columns and 8 or 16 rows of one image for 32 or 16 output channels; a thread 4 pixels
// in a row times 4 channels. Shared memory: 8 channels of the input under the tile, evaluated from a Source, and their weights.
// A sum runs over chunks of 8 channels, then ky, kx, then the channel, by fma. The epilogue adds and masks as a Source says, stores,
// and sums by channel: first the 4 pixels of a thread, then threads in order, then blocks in order (statistics.h).
#include "statistics.h"

const int threads = 128, depth = 8, columns = 8, max_window = 3;

struct Convolution {
	Source in;            // convolved: [N, h, w, c]
	Source out;           // its dimensions [N, oh, ow, o]; second, relu and mask are applied to the result
	Statistics statistics;
	const float *weights; // [K, K, inputs, o], or backward [K, K, o, inputs]
	void *stored;         // T [N, oh, ow, o]
	int images, inputs;   // inputs: channels of the weights; in may have more, which are zero
	int window, pad, stride, dilation, backward;
};

// joined: T, `in` stored, by the block whose result lies over it; or nullptr.
template <class T, int outputs> INLINE void convolve(const Convolution &p, T *joined) {
	const int rows = threads / (outputs / 4) * 4 / columns, stripes = columns / 4;
	const int in_rows = (rows - 1) * 2 + max_window, in_columns = (columns - 1) * 2 + max_window;
	alignas(16) __shared__ float image[in_rows * in_columns * depth];
	alignas(16) __shared__ float weights[max_window * max_window * depth * outputs];
	__shared__ Coefficients kin, kout;
	__shared__ Reduction<threads> r;

	int t = (int)threadIdx.x, quad = t % (outputs / 4), group = t / (outputs / 4);
	int tile_y = group / stripes, tile_x = group % stripes * 4;
	int tiles_x = (p.out.width + columns - 1) / columns;
	int n = (int)blockIdx.y, y0 = (int)blockIdx.x / tiles_x * rows, x0 = (int)blockIdx.x % tiles_x * columns;
	int first_output = (int)blockIdx.z * outputs, o = first_output + quad * 4;
	int high = (rows - 1) * p.stride + p.window, wide = (columns - 1) * p.stride + p.window, taps = p.window * p.window;
	int channels = p.out.channels;
	prepare(p.in, kin);
	prepare(p.out, kout);
	if (p.statistics.kind == statistics_sums)
		for (int c = t; c < channels; c += threads) {
			r.mean[c] = p.statistics.moments[c];
			r.inverse[c] = 1 / sqrt_rn(p.statistics.moments[channels + c] + p.statistics.eps);
		}

	float4 sum[4] = {};
	for (int c0 = 0; c0 < p.in.channels; c0 += depth) {
		__syncthreads();
		for (int i = t; i < high * wide * (depth / 4); i += threads) {
			int c = c0 + i % (depth / 4) * 4, pixel = i / (depth / 4);
			int y = y0 * p.stride - p.pad + pixel / wide, x = x0 * p.stride - p.pad + pixel % wide;
			float4 v = {0, 0, 0, 0};
			if (c < p.in.channels && y >= 0 && x >= 0 && y % p.dilation == 0 && x % p.dilation == 0 && y / p.dilation < p.in.height && x / p.dilation < p.in.width)
				v = as_stored<T>(fetch4<T>(p.in, kin, n, y / p.dilation, x / p.dilation, c));
			*(float4 *)&image[i * 4] = v;
			bool own = y >= y0 * p.stride && y < (y0 + rows) * p.stride && x >= x0 * p.stride && x < (x0 + columns) * p.stride;
			if (joined && blockIdx.z == 0 && own && y < p.in.height && x < p.in.width && c < p.in.channels)
				store4(joined + (((size_t)n * p.in.height + y) * p.in.width + x) * p.in.channels + c, v);
		}
		for (int i = t; i < taps * depth * outputs; i += threads) {
			int out = first_output + i % outputs, c = c0 + i / outputs % depth, tap = i / (outputs * depth);
			float w = 0;
			if (c < p.inputs && out < channels) w = p.backward ? p.weights[((size_t)(taps - 1 - tap) * channels + out) * p.inputs + c] : p.weights[((size_t)tap * p.inputs + c) * channels + out];
			weights[i] = w;
		}
		__syncthreads();
		for (int tap = 0; tap < taps; tap++) {
			const float *row = &image[((tile_y * p.stride + tap / p.window) * wide + tile_x * p.stride + tap % p.window) * depth];
			const float *w = &weights[tap * depth * outputs + quad * 4];
#pragma unroll
			for (int c = 0; c < depth; c++) {
				float4 wc = load4(w + c * outputs);
#pragma unroll
				for (int i = 0; i < 4; i++) {
					float x = row[i * p.stride * depth + c];
					sum[i] = fma4(float4{x, x, x, x}, wc, sum[i]);
				}
			}
		}
	}

	int y = y0 + tile_y;
	float4 first = {0, 0, 0, 0}, second = {0, 0, 0, 0};
#pragma unroll
	for (int i = 0; i < 4; i++) {
		int x = x0 + tile_x + i;
		if (y >= p.out.height || x >= p.out.width || o >= channels) continue;
		size_t at = (((size_t)n * p.out.height + y) * p.out.width + x) * channels + o;
		float4 v = as_stored<T>(finish4<T>(p.out, kout, sum[i], n, y, x, o));
		sum[i] = v;
		store4((T *)p.stored + at, v);
		first = first + v;
		if (p.statistics.kind != statistics_sums) continue;
		float4 raw = load4((const T *)p.statistics.raw + at), m = load4(&r.mean[o]), k = load4(&r.inverse[o]);
		second = fma4(v, float4{(raw.x - m.x) * k.x, (raw.y - m.y) * k.y, (raw.z - m.z) * k.z, (raw.w - m.w) * k.w}, second);
	}
	if (p.statistics.kind == statistics_none) return;

	int block = (int)(blockIdx.y * gridDim.x + blockIdx.x), blocks = (int)(gridDim.x * gridDim.y);
	int height = p.out.height - y0 < rows ? p.out.height - y0 : rows, width = p.out.width - x0 < columns ? p.out.width - x0 : columns;
	bool moments = p.statistics.kind == statistics_moments;
	float *part = p.statistics.parts + (size_t)block * 2 * channels;
	reduce_quads<threads>(r, first, outputs / 4, [&](int c, float total) {
		if (moments) r.mean[c] = total / (float)(height * width);
		if (first_output + c < channels) part[first_output + c] = moments ? r.mean[c] : total;
	});
	if (moments) {
		float4 m = load4(&r.mean[quad * 4]);
#pragma unroll
		for (int i = 0; i < 4; i++) {
			if (y >= p.out.height || x0 + tile_x + i >= p.out.width || o >= channels) continue;
			float4 d = {sum[i].x - m.x, sum[i].y - m.y, sum[i].z - m.z, sum[i].w - m.w};
			second = fma4(d, d, second);
		}
		if (t == 0 && blockIdx.z == 0) p.statistics.parts[(size_t)blocks * 2 * channels + block] = (float)(height * width);
	}
	reduce_quads<threads>(r, second, outputs / 4, [&](int c, float total) {
		if (first_output + c < channels) part[channels + first_output + c] = total;
	});
	if (last_to_arrive(p.statistics.ticket, (unsigned)blocks * gridDim.z)) finish_statistics<threads>(p.statistics, blocks, channels);
}

extern "C" __global__ void __launch_bounds__(threads) conv16_f32(Convolution p, float *joined) { convolve<float, 16>(p, joined); }
EXPORT_KERNEL(conv16_f32)
extern "C" __global__ void __launch_bounds__(threads) conv32_f32(Convolution p, float *joined) { convolve<float, 32>(p, joined); }
EXPORT_KERNEL(conv32_f32)
extern "C" __global__ void __launch_bounds__(threads) conv16_f16(Convolution p, half *joined) { convolve<half, 16>(p, joined); }
EXPORT_KERNEL(conv16_f16)
extern "C" __global__ void __launch_bounds__(threads) conv32_f16(Convolution p, half *joined) { convolve<half, 32>(p, joined); }
EXPORT_KERNEL(conv32_f16)
