// Package lower turns a program into a schedule for a GPU: the kernels of a step in order, with grids, shared memory and arguments, the
// buffers that they need and what is uploaded once. It allocates nothing and knows no driver: pointers are symbolic ([Ref]), and a session
// replaces them by addresses when it packs the arguments ([Pack]).
//
// [Lower] works in two passes. The first ([groups]) finds the steps that share a launch: the dense layer behind a global average, the
// gradients of a dense layer, the gradients of a convolution's input and weights. The second walks the steps. A step that concerns each
// pixel by itself - normalise, add, ReLU, shortcuts, their gradients - only defines an expression (Source, kernels/source.h), which the
// kernels that read or write the value evaluate on the way; a convolution stays an expression until it is known what is done with its
// result, which then becomes its epilogue. A value is stored where a reader needs memory (materialize). Sums over the batch end in the
// kernel that makes what they sum.
//
// Convolutions that the fused kernels do not take, images larger than those they are made for, maximum pooling and more than 128 channels have
// kernels that read and write stored tensors (general.go, max_pool.go, wide.go).
//
// Lifetimes follow from the arguments of the launches: a buffer lives from the first launch that refers to it to the last.
//
// Activations are NHWC with channels in fours, convolution weights [K, K, I, O]. In precision mixed, activations and their gradients are
// fp16, the gradients times a static power of two, and convolutions run on tensor cores where there is a kernel for their shape
// ([MMAShape]); parameters, sums and losses are fp32 in both precisions.
package lower
