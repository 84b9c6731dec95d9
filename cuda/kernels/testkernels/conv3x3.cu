// 3x3 convolution, 16 -> 16 channels, NHWC, padding 1, on 32x32 images: a block computes one image.
// x [N, 32, 32, 16] half, w [9, 16 in, 16 out] half, y [N, 32, 32, 16] float.
//
// Needs sm_80: mma.m16n8k16 and cp.async.
#include "../device.h"

const int side = 32, channels = 16, halo = side + 2;
const int pitch = 24; // halves a pixel: 48 bytes keep ldmatrix's rows on different banks
const int warps = 8, tiles = side * side / 16 / warps;

struct Shared {
	half image[halo * halo][pitch];
	half weights[9 * channels][pitch];
};

extern "C" __global__ void __launch_bounds__(warps * 32) conv3x3(const half *x, const half *w, float *y) {
	DYNAMIC_SHARED(Shared, shared);
	Shared &s = *shared;
	int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
	x += (size_t)blockIdx.x * side * side * channels;
	y += (size_t)blockIdx.x * side * side * channels;

	for (int i = thread; i < halo * halo * 2; i += warps * 32) {
		int pixel = i / 2, part = i % 2 * 8, row = pixel / halo - 1, column = pixel % halo - 1;
		if (row >= 0 && row < side && column >= 0 && column < side)
			copy_async(&s.image[pixel][part], &x[(row * side + column) * channels + part]);
		else
			*(Chunk *)&s.image[pixel][part] = Chunk{};
	}
	for (int i = thread; i < 9 * channels * 2; i += warps * 32) copy_async(&s.weights[i / 2][i % 2 * 8], &w[i * 8]);
	copy_async_commit();
	copy_async_wait<0>();
	__syncthreads();

	float sum[tiles][2][4] = {};
	for (int tap = 0; tap < 9; tap++) {
		unsigned b[4];
		load_matrix_transposed(b, &s.weights[tap * channels + lane % 16][lane / 16 * 8]);
#pragma unroll
		for (int t = 0; t < tiles; t++) {
			int pixel = (warp * tiles + t) * 16 + lane % 16;
			unsigned a[4];
			load_matrix(a, &s.image[(pixel / side + tap / 3) * halo + pixel % side + tap % 3][lane / 16 * 8]);
			mma_f16(sum[t][0], a, b[0], b[1]);
			mma_f16(sum[t][1], a, b[2], b[3]);
		}
	}
#pragma unroll
	for (int t = 0; t < tiles; t++)
		for (int i = 0; i < 8; i++) {
			int pixel = (warp * tiles + t) * 16 + lane / 4 + i % 4 / 2 * 8, channel = i / 4 * 8 + lane % 4 * 2 + i % 2;
			y[pixel * channels + channel] = sum[t][i / 4][i % 4];
		}
}
EXPORT_KERNEL(conv3x3)
