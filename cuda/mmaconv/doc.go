// Package mmaconv has no code but tests, of the kernels of the tensor-core convolutions: kernels/mma_forward.cu, mma_backward.cu and
// mma_weights.cu, and mma_gradients.cu for the last two in one launch. They compare every input, epilogue and sum that a kernel takes
// (lower.MMAShape) with float64, and count products and bytes.
//
// Tensors are fp16, NHWC, sums fp32; a block takes an image. fp16 throughout, not bfloat16 for gradients: one mma takes one type for both
// operands, and the gradient of the weights multiplies gradients by activations. fp16 has three bits more, and a static power of two on the
// loss keeps gradients in its range. The weights are the 16-bit copy of [taps, in, out] that the update keeps, the same for both directions.
package mmaconv
