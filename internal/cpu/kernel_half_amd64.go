package cpu

import "golang.org/x/sys/cpu"

var hasBF16 = hasAVX512 && cpu.X86.HasAVX512BF16

// interleave takes the halves of a register in turn: word i of the lower half, word i of the upper one.
//
//lint:ignore U1000 kernel_winograd_bf16_amd64.s reads it
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

//go:noescape
func expandBF16(dst *float32, src *uint16, vectors int)

//go:noescape
func expandFP16(dst *float32, src *uint16, vectors int)

// expandRow widens numbers to dst, which is as long.
func (k kernels) expandRow(f format, dst []float32, src []uint16) {
	vectors := len(src) / (2 * lanes)
	switch {
	case !k.bf16 || vectors == 0:
		vectors = 0
	case f == float16:
		expandFP16(&dst[0], &src[0], vectors)
	default:
		expandBF16(&dst[0], &src[0], vectors)
	}
	whole := vectors * 2 * lanes
	expandGeneric(f, dst[whole:], src[whole:])
}

//go:noescape
func compressBF16(dst *uint16, src *float32, vectors int)

//go:noescape
func compressFP16(dst *uint16, src *float32, vectors int)

// compressRow rounds numbers to dst, which is as long.
func (k kernels) compressRow(f format, dst []uint16, src []float32) {
	vectors := len(src) / (2 * lanes)
	switch {
	case !k.bf16 || vectors == 0:
		vectors = 0
	case f == float16:
		compressFP16(&dst[0], &src[0], vectors)
	default:
		compressBF16(&dst[0], &src[0], vectors)
	}
	whole := vectors * 2 * lanes
	compressGeneric(f, dst[whole:], src[whole:])
}
