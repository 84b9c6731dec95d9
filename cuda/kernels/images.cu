// Draws a batch: images from bytes, cropped, flipped and normalised, targets, labels; one block an image.
//
// x = scale[c] byte + shift[c] of a window of the image inside a border (data.Border), which data.Augment draws: w = Philox(seed, {sample,
// epoch, draw, crop}), dy = n w0 >> 32, dx = n w1 >> 32, n = 2 border + 1, flip = w2 >> 31. draw is 0 before the epoch repeats_from, and 1 + the place in
// the epoch from there on. Of a hole of so many pixels a side, centred at w3 (data.Crop.Hole), the window is zero; so is padding
// (sample -1). With resized, a part of the image that data.Resized draws is resized in place of the window.
//
// A program that mixes images has second targets and label factors. What place n shows is then share x_n + (1 - share) x_j, products rounded
// before they are added, and in a box x_j alone, j the place of its partner (plan.Mixture).
#include "source.h"
#include "control.h"

struct Resized { // see data.Resized; no part is drawn where high is 0
	float share[2], ratio[2];
	int top, left, high, wide;
};

struct Draw {
	const unsigned char *pixels; // [images, channels, height, width], or see ring
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
	float *second, *first; // [batch, classes], [batch] second targets and label factors; null where images are not mixed
	int stride;            // numbers of a step in the order: see Batch
	Resized resized;
	int ring;              // pixels holds the images of so many steps, [ring, batch, channels, height, width], one step after the other; 0: all images
};

// Batch is what the order has for a step: the images; with mixing, partners, label factors (float), share (float), box.
struct Batch {
	const int *samples;
	int batch;
	__device__ int partner(int n) const { return samples[batch + n]; }
	__device__ float first(int n) const { return float_of((unsigned)samples[2 * batch + n]); }
	__device__ float share() const { return float_of((unsigned)samples[3 * batch]); }
	// A box is top, left, bottom, right.
	__device__ bool in_box(int row, int column) const {
		const int *box = samples + 3 * batch + 1;
		return row >= box[0] && column >= box[1] && row < box[2] && column < box[3];
	}
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

// What a sample shows of its image: a window that begins at (dy, dx), or a part from there, high by wide, resized; with a hole.
struct Window {
	int sample, dy, dx, high, wide, top, left, hole;
	bool flip;
	int image; // where its bytes are, in images
};

// 2^x of products and sums that are rounded one by one, as data.exp2.
__device__ inline float exp2_rounded(float x) {
	float whole = round_even(x), rest = x - whole, sum = 1.5252734e-5f;
	sum = 1.5403530e-4f + sum * rest;
	sum = 1.3333558e-3f + sum * rest;
	sum = 9.6181291e-3f + sum * rest;
	sum = 5.5504109e-2f + sum * rest;
	sum = 2.4022651e-1f + sum * rest;
	sum = 6.9314718e-1f + sum * rest;
	sum = 1 + sum * rest;
	return sum * float_of((unsigned)((int)whole + 127) << 23);
}

__device__ inline float unit(unsigned word) { return (float)(int)(word >> 8) * 0x1p-24f; }

// The part that data.Resized.Draw draws with the counter of the crop.
INLINE void draw_part(const Draw &d, Window &v, uint4 counter) {
	const Resized &r = d.resized;
	for (unsigned attempt = 1; attempt <= 10; attempt++) {
		uint4 w = philox((unsigned)d.seed, (unsigned)(d.seed >> 32), uint4{counter.x, counter.y, counter.z, counter.w + (attempt << 16)});
		float area = (float)(d.height * d.width) * (r.share[0] + r.share[1] * unit(w.x)), ratio = exp2_rounded(r.ratio[0] + r.ratio[1] * unit(w.y));
		v.high = (int)round_even(sqrt_rn(area / ratio));
		v.wide = (int)round_even(sqrt_rn(area * ratio));
		if (v.high > 0 && v.high <= d.height && v.wide > 0 && v.wide <= d.width) {
			v.dy = (int)multiply_high((unsigned)(d.height - v.high + 1), w.z);
			v.dx = (int)multiply_high((unsigned)(d.width - v.wide + 1), w.w);
			return;
		}
	}
	v.dy = r.top;
	v.dx = r.left;
	v.high = r.high;
	v.wide = r.wide;
}

INLINE Window window_at(const Draw &d, int n, int sample) {
	int border = d.height < 40 ? 4 : d.height / 8;
	Window v = {sample, border, border, 0, 0, 0, 0, 0, false, d.ring ? (int)(d.control->done % (unsigned)d.ring) * d.batch + n : sample};
	if (d.augment && sample >= 0) {
		unsigned long long position = (unsigned long long)d.control->step * (unsigned)d.batch + (unsigned)n;
		unsigned epoch = (unsigned)(position / (unsigned)d.samples), place = (unsigned)(position % (unsigned)d.samples);
		uint4 counter = {(unsigned)sample, epoch, epoch >= (unsigned)d.repeats_from ? 1 + place : 0, d.purpose};
		uint4 w = philox((unsigned)d.seed, (unsigned)(d.seed >> 32), counter);
		v.dy = (int)multiply_high((unsigned)(2 * border + 1), w.x);
		v.dx = (int)multiply_high((unsigned)(2 * border + 1), w.y);
		v.flip = w.z >> 31;
		v.hole = d.hole;
		v.top = (int)((unsigned)d.height * (w.w >> 16) >> 16) - v.hole / 2;
		v.left = (int)((unsigned)d.width * (w.w & 0xffff) >> 16) - v.hole / 2;
		if (d.resized.high > 0) {
			draw_part(d, v, counter);
			return v;
		}
	}
	v.dy -= border;
	v.dx -= border;
	return v;
}

// The two pixels of a line of a part that pixel i of size is between, and the weight of the second (data.Part).
struct Neighbours {
	int first, second;
	float weight;
};

__device__ inline Neighbours neighbours(int i, int part, int size) {
	int at = (2 * i + 1) * part - size, step = 2 * size;
	if (at < 0) at = 0;
	int first = at / step, second = first + 1 < part ? first + 1 : part - 1;
	return {first, second, (float)(at - first * step) / (float)step};
}

__device__ inline float between(float a, float b, float weight) { return a + weight * (b - a); }

// The number that pixel (y, x) of channel c of an image becomes.
INLINE float number(const Draw &d, const unsigned char *image, int c, int y, int x) {
	return fma((float)image[(c * d.height + y) * d.width + x], d.scale[c], d.shift[c]);
}

INLINE float4 pixel(const Draw &d, const Window &w, int row, int column) {
	float v[4] = {0, 0, 0, 0};
	if (w.sample < 0 || (row >= w.top && row < w.top + w.hole && column >= w.left && column < w.left + w.hole)) return float4{0, 0, 0, 0};
	const unsigned char *image = d.pixels + (size_t)w.image * d.channels * d.height * d.width;
	int y = row, x = w.flip ? d.width - 1 - column : column;
	if (w.high > 0) {
		Neighbours down = neighbours(y, w.high, d.height), right = neighbours(x, w.wide, d.width);
		int y0 = w.dy + down.first, y1 = w.dy + down.second, x0 = w.dx + right.first, x1 = w.dx + right.second;
		for (int c = 0; c < 4; c++)
			if (c < d.channels)
				v[c] = between(between(number(d, image, c, y0, x0), number(d, image, c, y0, x1), right.weight),
					between(number(d, image, c, y1, x0), number(d, image, c, y1, x1), right.weight), down.weight);
	} else {
		y += w.dy;
		x += w.dx;
		bool inside = y >= 0 && y < d.height && x >= 0 && x < d.width;
		for (int c = 0; c < 4; c++)
			if (c < d.channels) v[c] = inside ? number(d, image, c, y, x) : d.outside;
	}
	return float4{v[0], v[1], v[2], v[3]};
}

__device__ inline void draw_target(const Draw &d, float *target, int n, int sample) {
	for (int c = (int)threadIdx.x; c < d.classes; c += (int)blockDim.x)
		target[(size_t)n * d.classes + c] = sample >= 0 && d.labels[sample] == c ? 1.f : 0.f;
}

template <class T> INLINE void draw_image(const Draw &d) {
	int n = (int)blockIdx.x;
	Batch step = {d.control->order + (size_t)d.control->done * d.stride, d.batch};
	int partner = d.second ? step.partner(n) : n;
	__shared__ Window windows[2]; // of the image and of its partner, drawn by a thread each: more threads would need more registers
	if (threadIdx.x < 2) windows[threadIdx.x] = window_at(d, threadIdx.x ? partner : n, step.samples[threadIdx.x ? partner : n]);
	__syncthreads();
	const Window &own = windows[0], &other = windows[1];
	draw_target(d, d.target, n, own.sample);
	if (threadIdx.x == 0) d.batch_labels[n] = own.sample >= 0 ? d.labels[own.sample] : -1;
	if (d.second) {
		draw_target(d, d.second, n, other.sample);
		if (threadIdx.x == 0) d.first[n] = step.first(n);
	}
	T *to = (T *)d.images + (size_t)n * d.height * d.width * 4;
	for (int p = (int)threadIdx.x; p < d.height * d.width; p += (int)blockDim.x) {
		int row = p / d.width, column = p % d.width;
		float4 v = pixel(d, own, row, column);
		if (d.second) {
			float4 w = pixel(d, other, row, column);
			v = step.in_box(row, column) ? w : step.share() * v + (1 - step.share()) * w;
		}
		store4(to + 4 * p, v);
	}
}

extern "C" __global__ void __launch_bounds__(256, 4) images_f32(Draw d) { draw_image<float>(d); }
EXPORT_KERNEL(images_f32)
extern "C" __global__ void __launch_bounds__(256, 4) images_f16(Draw d) { draw_image<half>(d); }
EXPORT_KERNEL(images_f16)
