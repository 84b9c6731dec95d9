// Draws a batch: images from bytes, cropped, flipped and normalised, targets, labels; one block an image.
//
// x = byte / 128 - 1 of a 32 x 32 window of the image inside a border of 4 zero bytes, which data.Augment draws:
// w = Philox(seed, {sample, epoch, 0, crop}), dy = 9 w0 >> 32, dx = 9 w1 >> 32, flip = w2 >> 31. Padding (sample -1) is zero.
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
	int dy = border, dx = border;
	bool flip = false;
	if (d.augment && sample >= 0) {
		unsigned long long position = (unsigned long long)d.control->step * (unsigned)d.batch + (unsigned)n;
		uint4 w = philox((unsigned)d.seed, (unsigned)(d.seed >> 32), uint4{(unsigned)sample, (unsigned)(position / (unsigned)d.samples), 0, d.purpose});
		dy = (int)multiply_high(9, w.x);
		dx = (int)multiply_high(9, w.y);
		flip = w.z >> 31;
	}
	int area = d.height * d.width;
	T *to = (T *)d.images + (size_t)n * area * 4;
	for (int p = (int)threadIdx.x; p < area; p += (int)blockDim.x) {
		float v[4] = {0, 0, 0, 0};
		int y = p / d.width + dy - border, column = p % d.width, x = (flip ? d.width - 1 - column : column) + dx - border;
		bool inside = y >= 0 && y < d.height && x >= 0 && x < d.width;
		if (sample >= 0)
			for (int c = 0; c < 4; c++)
				if (c < d.channels) v[c] = inside ? (float)d.pixels[((size_t)sample * d.channels + c) * area + y * d.width + x] / 128 - 1 : -1.f;
		store4(to + 4 * p, float4{v[0], v[1], v[2], v[3]});
	}
}

extern "C" __global__ void __launch_bounds__(256) images_f32(Draw d) { draw_image<float>(d); }
EXPORT_KERNEL(images_f32)
extern "C" __global__ void __launch_bounds__(256) images_f16(Draw d) { draw_image<half>(d); }
EXPORT_KERNEL(images_f16)
