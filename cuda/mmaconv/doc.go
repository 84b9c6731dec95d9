// Package mmaconv launches the tensor-core convolutions of the CUDA backend: kernels/mma_forward.cu, mma_backward.cu and mma_weights.cu, and
// mma_gradients.cu for the last two in one launch. Tensors are fp16, NHWC, sums fp32; a block takes an image.
//
// fp16 throughout, not bfloat16 for gradients: one mma takes one type for both operands, and the gradient of the weights multiplies
// gradients by activations. fp16 has three bits more, and a static power of two on the loss keeps gradients in its range.
//
// A Shape is a layer's geometry; the kernels exist for those of CIFAR's residual networks (Shape.Supported). It gives the launch of each
// pass: kernel, grid, block and shared memory (Forward, Backward, Weights, Gradients), and says of the sources that a caller has in mind
// whether the kernels evaluate them on load (CheckForward, CheckBackward, CheckWeights); what they do not, the caller stores first.
// Kernels runs them:
//
//	k, err := mmaconv.Load(context)
//	err = k.Forward(stream, shape, images, arguments, joined)
//
// The arguments' structs have the layout of the structs in kernels/source.h, statistics.h, conv.cu and conv_weights.cu, field by field. The
// weights are the 16-bit copy of [taps, in, out] that the update keeps, the same for both directions.
//
// The package is complete with the build tag gpu.
package mmaconv
