// The gradients of convolutions' weights on tensor cores, a kernel a shape: see mma_weights.h. Grid: slices x (out / 16) blocks.
#include "mma_weights.h"

#define WEIGHTS(name, stem, ...)                                                                    \
	extern "C" __global__ void __launch_bounds__(256, 2) name(mma::ConvWeights p) {             \
		DYNAMIC_SHARED(half, tile);                                                         \
		mma::conv_weights<mma::ForwardShape<__VA_ARGS__>, stem>(tile, p);                   \
	}                                                                                           \
	EXPORT_KERNEL(name)

// channels in, out, side, stride, window
WEIGHTS(mma_stem_weights, true, mma::stem_depth, 16, 32, 1, 1)
WEIGHTS(mma_conv_16_weights, false, 16, 16, 32, 1, 3)
WEIGHTS(mma_conv_16_32_weights, false, 16, 32, 32, 2, 3)
WEIGHTS(mma_conv_32_weights, false, 32, 32, 16, 1, 3)
WEIGHTS(mma_conv_32_64_weights, false, 32, 64, 16, 2, 3)
WEIGHTS(mma_conv_64_weights, false, 64, 64, 8, 1, 3)
WEIGHTS(mma_project_16_32_weights, false, 16, 32, 32, 2, 1)
WEIGHTS(mma_project_32_64_weights, false, 32, 64, 16, 2, 1)
