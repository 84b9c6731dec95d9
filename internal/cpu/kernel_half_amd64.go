package cpu

import "golang.org/x/sys/cpu"

var hasBF16 = hasAVX512 && cpu.X86.HasAVX512BF16

// interleave takes the halves of a register in turn: word i of the lower half, word i of the upper one.
var interleave = func() (words [32]uint16) {
	for i := range words {
		words[i] = uint16(i/2 + i%2*16)
	}
	return words
}()

//go:noescape
func winoInputBF16(j *winoJob)

func (k kernels) winoInputHalf(j winoJob) {
	if k.bf16 {
		winoInputBF16(&j)
		return
	}
	winoInputHalfGeneric(&j)
}

//go:noescape
func winoInputPairs(j *winoJob)

func (k kernels) winoInputPairs(j winoJob) {
	if k.bf16 {
		winoInputPairs(&j)
		return
	}
	winoInputPairsGeneric(&j)
}

//go:noescape
func winoGradPairs(j *winoJob)

func (k kernels) winoGradPairs(j winoJob) {
	if k.bf16 {
		winoGradPairs(&j)
		return
	}
	winoGradPairsGeneric(&j)
}

//go:noescape
func pairRowsBF16(dst, src *float32, rows int)

func (k kernels) pairRows(dst, src []float32, rows int) {
	if k.bf16 {
		pairRowsBF16(&dst[0], &src[:rows*panelWidth][0], rows)
		return
	}
	pairRowsGeneric(dst, src, rows)
}

//go:noescape
func multiplyBF16(j *gemmJob)

func (k kernels) multiplyHalf(j *gemmJob) {
	if k.bf16 {
		multiplyBF16(j)
		return
	}
	multiplyHalfGeneric(j)
}

//go:noescape
func winoBlockBF16(j *winoBlockJob)

func (k kernels) winoBlockHalf(j *winoBlockJob) {
	if k.bf16 {
		winoBlockBF16(j)
		return
	}
	winoBlockHalfGeneric(j)
}
