// Convolutions forward on tensor cores, a kernel a shape: y = epilogue(conv(in, w)), see mma_conv.h. joined: where the values of `in` are
// stored too, [N, H, W, in], or nullptr.
#include "mma_conv.h"

// channels in, out, side, stride, window
CONVOLUTION(mma_stem, true, ForwardShape, mma::stem_depth, 16, 32, 1, 1)
CONVOLUTION(mma_conv_16, false, ForwardShape, 16, 16, 32, 1, 3)
CONVOLUTION(mma_conv_16_32, false, ForwardShape, 16, 32, 32, 2, 3)
CONVOLUTION(mma_conv_32, false, ForwardShape, 32, 32, 16, 1, 3)
CONVOLUTION(mma_conv_32_64, false, ForwardShape, 32, 64, 16, 2, 3)
CONVOLUTION(mma_conv_64, false, ForwardShape, 64, 64, 8, 1, 3)
CONVOLUTION(mma_project_16_32, false, ForwardShape, 16, 32, 32, 2, 1)
CONVOLUTION(mma_project_32_64, false, ForwardShape, 32, 64, 16, 2, 1)
