// Package testkernels holds kernels that prove the driver binding and the emulator, and kernels with one planted mistake each. Only
// tests import it.
package testkernels

import _ "embed"

// PTX of basic.cu, conv3x3.cu, legal.cu and misuse.cu.
var (
	//go:embed basic.ptx
	Basic string
	//go:embed conv3x3.ptx
	Conv3x3 string
	//go:embed legal.ptx
	Legal string
	//go:embed misuse.ptx
	Misuse string
)
