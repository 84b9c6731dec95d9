// The gradients of the convolutions' inputs on tensor cores, a kernel a shape: dx = epilogue(conv'(dy, w)), see mma_conv.h. joined is not used.
#include "mma_conv.h"

// channels in, out, side, stride, window, all of the convolution forward
CONVOLUTION(mma_conv_16_back, false, BackwardShape, 16, 16, 32, 1, 3)
CONVOLUTION(mma_conv_16_32_back, false, BackwardShape, 16, 32, 32, 2, 3)
CONVOLUTION(mma_conv_32_back, false, BackwardShape, 32, 32, 16, 1, 3)
CONVOLUTION(mma_conv_32_64_back, false, BackwardShape, 32, 64, 16, 2, 3)
CONVOLUTION(mma_conv_64_back, false, BackwardShape, 64, 64, 8, 1, 3)
CONVOLUTION(mma_project_16_32_back, false, BackwardShape, 16, 32, 32, 2, 1)
CONVOLUTION(mma_project_32_64_back, false, BackwardShape, 32, 64, 16, 2, 1)
