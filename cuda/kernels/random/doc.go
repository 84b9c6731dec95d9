// Package random has tests that launch the convolutions of CUDA cores on random arguments: every term in every place, fp32 and fp16 storage,
// sizes that no tile divides. They reach what no network asks for; `make test-ptx` compares the bits of .cu files and PTX on the same launches.
package random
