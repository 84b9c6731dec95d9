// The maximum over windows of an image, and its gradient, which goes to the first largest pixel of each window in row-major order. What lies
// outside of the image does not count. A thread takes four channels of a pixel at a time.
#include "source.h"

// x [images, high, wide, channels], y [images, y_high, y_wide, channels], of a storage type T.
template <class T> struct MaxPool {
	const T *x, *dy; // dy: of y, for the gradient
	T *result;       // y, or the gradient of x
	int images, high, wide, channels, y_high, y_wide;
	int window, stride, pad;
};

// The largest values of a window, and which pixel of the image each is of.
struct Largest {
	float4 value;
	int x, y, z, w;
};

INLINE void take_larger(float x, int pixel, bool first, float &largest, int &at) {
	if (!first && !(x > largest)) return;
	largest = x;
	at = pixel;
}

template <class T> INLINE Largest largest_of(const MaxPool<T> &p, int n, int oy, int ox, int c) {
	Largest l = {};
	bool first = true;
	for (int ky = 0; ky < p.window; ky++)
		for (int kx = 0; kx < p.window; kx++) {
			const int y = oy * p.stride - p.pad + ky, x = ox * p.stride - p.pad + kx, pixel = y * p.wide + x;
			if (y < 0 || x < 0 || y >= p.high || x >= p.wide) continue;
			const float4 v = load4(p.x + ((size_t)n * p.high * p.wide + pixel) * p.channels + c);
			take_larger(v.x, pixel, first, l.value.x, l.x);
			take_larger(v.y, pixel, first, l.value.y, l.y);
			take_larger(v.z, pixel, first, l.value.z, l.z);
			take_larger(v.w, pixel, first, l.value.w, l.w);
			first = false;
		}
	return l;
}

template <class T> INLINE void pool(const MaxPool<T> &p) {
	const int quads = p.channels / 4, total = p.images * p.y_high * p.y_wide * quads;
	for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < total; i += (int)(gridDim.x * blockDim.x)) {
		const int pixel = i / quads, x = pixel % p.y_wide, y = pixel / p.y_wide % p.y_high, n = pixel / (p.y_wide * p.y_high);
		store4(p.result + (size_t)i * 4, largest_of(p, n, y, x, i % quads * 4).value);
	}
}

// A pixel asks the windows that it lies in, in row-major order, whether it is their largest.
template <class T> INLINE void pool_gradient(const MaxPool<T> &p) {
	const int quads = p.channels / 4, total = p.images * p.high * p.wide * quads;
	for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < total; i += (int)(gridDim.x * blockDim.x)) {
		const int pixel = i / quads, x = pixel % p.wide, y = pixel / p.wide % p.high, n = pixel / (p.wide * p.high), c = i % quads * 4;
		const int first_y = y + p.pad < p.window ? 0 : (y + p.pad - p.window) / p.stride + 1, first_x = x + p.pad < p.window ? 0 : (x + p.pad - p.window) / p.stride + 1;
		float4 sum = {0, 0, 0, 0};
		for (int oy = first_y; oy < p.y_high && oy * p.stride <= y + p.pad; oy++)
			for (int ox = first_x; ox < p.y_wide && ox * p.stride <= x + p.pad; ox++) {
				const Largest l = largest_of(p, n, oy, ox, c);
				const float4 g = load4(p.dy + (((size_t)n * p.y_high + oy) * p.y_wide + ox) * p.channels + c);
				const int own = y * p.wide + x;
				sum = sum + float4{l.x == own ? g.x : 0, l.y == own ? g.y : 0, l.z == own ? g.z : 0, l.w == own ? g.w : 0};
			}
		store4(p.result + (size_t)i * 4, sum);
	}
}

extern "C" __global__ void __launch_bounds__(256) max_pool_f32(MaxPool<float> p) { pool(p); }
EXPORT_KERNEL(max_pool_f32)
extern "C" __global__ void __launch_bounds__(256) max_pool_f16(MaxPool<half> p) { pool(p); }
EXPORT_KERNEL(max_pool_f16)
extern "C" __global__ void __launch_bounds__(256, 4) max_pool_gradient_f32(MaxPool<float> p) { pool_gradient(p); }
EXPORT_KERNEL(max_pool_gradient_f32)
extern "C" __global__ void __launch_bounds__(256, 4) max_pool_gradient_f16(MaxPool<half> p) { pool_gradient(p); }
EXPORT_KERNEL(max_pool_gradient_f16)
