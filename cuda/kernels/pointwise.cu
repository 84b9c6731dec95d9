// Stores a source: the one kernel for everything that concerns each pixel by itself - normalise, add, ReLU, shortcuts, and their
// gradients - where no other kernel evaluates the source on its way. A thread takes four channels of a pixel at a time.
#include "source.h"

// out T [images, height, width, channels].
template <class T> INLINE void store_source(const Source &s, int images, T *out) {
	__shared__ Coefficients k;
	prepare(s, k);
	__syncthreads();
	int quads = s.channels / 4, total = images * s.height * s.width * quads;
	for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < total; i += (int)(gridDim.x * blockDim.x)) {
		int pixel = i / quads, x = pixel % s.width, y = pixel / s.width % s.height, n = pixel / (s.width * s.height);
		store4(out + (size_t)i * 4, fetch4<T>(s, k, n, y, x, i % quads * 4));
	}
}

extern "C" __global__ void __launch_bounds__(256) pointwise_f32(Source s, int images, float *out) { store_source(s, images, out); }
EXPORT_KERNEL(pointwise_f32)
extern "C" __global__ void __launch_bounds__(256) pointwise_f16(Source s, int images, half *out) { store_source(s, images, out); }
EXPORT_KERNEL(pointwise_f16)
