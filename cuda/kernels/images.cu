// Draws a batch: images from bytes, cropped, flipped and normalised, targets, labels; one block an image.
//
// x = scale[c] byte + shift[c] of a window of the image inside a border of 4 pixels, which data.Augment draws: w = Philox(seed, {sample,
// epoch, draw, crop}), dy = 9 w0 >> 32, dx = 9 w1 >> 32, flip = w2 >> 31. draw is 0 before the epoch repeats_from, and 1 + the place in
// the epoch from there on. Of a hole of so many pixels a side, centred at w3 (data.Crop.Hole), the window is zero; so is padding
// (sample -1).
#include "source.h"
#include "control.h"

struct Draw {
	const unsigned char *pixels; // [images, channels, height, width]
	const int *labels;           // [images]
	const Control *control;
	void *images;                // T [batch, height, width, 4]
	float *target;               // [batch, classes]
	int *batch_labels;           // [batch], -1 for padding
	unsigned long long seed;
	int batch, samples, classes, channels, height, width, augment;
	unsigned purpose;
	int repeats_from, hole;
	float scale[4], shift[4], outside;
};

__device__ inline uint4 philox(unsigned k0, unsigned k1, uint4 c) {
	for (int round = 0; round < 10; round++) {
		unsigned high0 = multiply_high(0xD2511F53u, c.x), low0 = 0xD2511F53u * c.x;
		unsigned high1 = multiply_high(0xCD9E8D57u, c.z), low1 = 0xCD9E8D57u * c.z;
		c = uint4{high1 ^ c.y ^ k0, low1, high0 ^ c.w ^ k1, low0};
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return c;
}

template <class T> __device__ inline void draw_image(const Draw &d) {
	const int border = 4;
	int n = (int)blockIdx.x, sample = d.control->order[(size_t)d.control->done * d.batch + n];
	for (int c = (int)threadIdx.x; c < d.classes; c += (int)blockDim.x)
		d.target[(size_t)n * d.classes + c] = sample >= 0 && d.labels[sample] == c ? 1.f : 0.f;
	if (threadIdx.x == 0) d.batch_labels[n] = sample >= 0 ? d.labels[sample] : -1;
	int dy = border, dx = border, top = 0, left = 0, hole = 0;
	bool flip = false;
	if (d.augment && sample >= 0) {
		unsigned long long position = (unsigned long long)d.control->step * (unsigned)d.batch + (unsigned)n;
		unsigned epoch = (unsigned)(position / (unsigned)d.samples), place = (unsigned)(position % (unsigned)d.samples);
		uint4 w = philox((unsigned)d.seed, (unsigned)(d.seed >> 32), uint4{(unsigned)sample, epoch, epoch >= (unsigned)d.repeats_from ? 1 + place : 0, d.purpose});
		dy = (int)multiply_high(9, w.x);
		dx = (int)multiply_high(9, w.y);
		flip = w.z >> 31;
		hole = d.hole;
		top = (int)((unsigned)d.height * (w.w >> 16) >> 16) - hole / 2;
		left = (int)((unsigned)d.width * (w.w & 0xffff) >> 16) - hole / 2;
	}
	int area = d.height * d.width;
	T *to = (T *)d.images + (size_t)n * area * 4;
	for (int p = (int)threadIdx.x; p < area; p += (int)blockDim.x) {
		float v[4] = {0, 0, 0, 0};
		int row = p / d.width, y = row + dy - border, column = p % d.width, x = (flip ? d.width - 1 - column : column) + dx - border;
		bool inside = y >= 0 && y < d.height && x >= 0 && x < d.width;
		if (sample >= 0 && !(row >= top && row < top + hole && column >= left && column < left + hole))
			for (int c = 0; c < 4; c++)
				if (c < d.channels) v[c] = inside ? fma((float)d.pixels[((size_t)sample * d.channels + c) * area + y * d.width + x], d.scale[c], d.shift[c]) : d.outside;
		store4(to + 4 * p, float4{v[0], v[1], v[2], v[3]});
	}
}

extern "C" __global__ void __launch_bounds__(256) images_f32(Draw d) { draw_image<float>(d); }
EXPORT_KERNEL(images_f32)
extern "C" __global__ void __launch_bounds__(256) images_f16(Draw d) { draw_image<half>(d); }
EXPORT_KERNEL(images_f16)
