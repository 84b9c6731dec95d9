// Both gradients of a convolution on tensor cores in one launch, a kernel a shape: of its input, mma_conv.h, and of its weights,
// mma_weights.h. Both read the gradient of the result and what a batch norm's gradient needs beside it; together they find it in the
// cache, and their blocks fill a GPU that neither fills alone.
//
// Grid: slices x (images / slices, rounded up, + out / 16) blocks. The first are those of the input, an image each, because the last of them
// has the batch's sums still to do; then come those of the weights, out / 16 rows of a block a slice. Tiles, shared memory and order of sums
// are those of the two headers; shared memory is the larger of the two.
#include "mma_conv.h"
#include "mma_weights.h"

#define GRADIENTS(name, in, out, side, stride, window)                                                                              \
	extern "C" __global__ void __launch_bounds__(256, 2) name(mma::Convolution p, mma::ConvWeights w) {                      \
		DYNAMIC_SHARED(half, tile);                                                                                 \
		if (blockIdx.y >= gridDim.y - out / 16)                                                                     \
			mma::conv_weights<mma::ForwardShape<in, out, side, stride, window>, false>(tile, w);                \
		else if (mma::own_image() < p.images)                                                                       \
			mma::convolve<mma::BackwardShape<in, out, side, stride, window>, false>(tile, p, nullptr);          \
	}                                                                                                                   \
	EXPORT_KERNEL(name)

// channels in, out, side, stride, window
GRADIENTS(mma_conv_16_gradients, 16, 16, 32, 1, 3)
GRADIENTS(mma_conv_16_32_gradients, 16, 32, 32, 2, 3)
GRADIENTS(mma_conv_32_gradients, 32, 32, 16, 1, 3)
GRADIENTS(mma_conv_32_64_gradients, 32, 64, 16, 2, 3)
GRADIENTS(mma_conv_64_gradients, 64, 64, 8, 1, 3)
GRADIENTS(mma_project_16_32_gradients, 16, 32, 32, 2, 1)
GRADIENTS(mma_project_32_64_gradients, 32, 64, 16, 2, 1)
