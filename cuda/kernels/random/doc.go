// Package random has tests that launch the kernels on random arguments: convolutions with every term in every place, fp32 and fp16 storage,
// sizes that no tile divides; row programs of any instructions. They reach what no network asks for; `make test-ptx` compares the bits of .cu files and
// PTX on the same launches.
package random
