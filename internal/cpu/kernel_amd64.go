package cpu

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// What the processor has and the system keeps when it switches threads.
var (
	hasAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA
	hasAVX512 = hasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
)

// The assembly of this package works on a job that Go has checked. Where a shape does not fit its vectors, plain Go does the
// job.

//go:noescape
func tilesAVX2(j *tileJob)

//go:noescape
func tilesAVX512(j *tileJob)

func (k kernels) tiles(j *tileJob) {
	switch {
	case k.avx512 && j.width%lanes == 0:
		tilesAVX512(j)
	case k.avx2 && j.width%lanes == 0:
		tilesAVX2(j)
	default:
		tilesGeneric(j)
	}
}

//go:noescape
func gradTilesAVX2(j *gradJob)

//go:noescape
func gradTilesAVX512(j *gradJob)

//go:noescape
func gradTiles14AVX512(j *gradJob)

func (k kernels) gradTiles(j *gradJob) {
	switch {
	case k.avx512 && j.width%lanes == 0 && j.run%(2*tilePixels) == 0:
		gradTilesAVX512(j)
	case k.avx512 && j.width%lanes == 0 && j.run%gradStem == 0:
		gradTiles14AVX512(j)
	case k.avx2 && j.width%lanes == 0 && j.run >= tilePixels:
		gradTilesAVX2(j)
	default:
		gradTilesGeneric(j)
	}
}

//go:noescape
func normalizeAVX2(j *sweep)

//go:noescape
func normalizeAVX512(j *sweep)

//go:noescape
func normalizePlusAVX512(j *sweep)

func (k kernels) normalizeRows(j *sweep) {
	switch {
	case j.aKept != single:
		normalizeRowsNarrow(j)
	case k.avx512 && j.wide() && j.b != nil:
		normalizePlusAVX512(j)
	case k.avx512 && j.wide():
		normalizeAVX512(j)
	case k.avx2 && j.whole():
		normalizeAVX2(j)
	default:
		normalizeGeneric(j)
	}
}

//go:noescape
func combineAVX2(j *sweep)

//go:noescape
func combineAVX512(j *sweep)

func (k kernels) combineRows(j *sweep) {
	switch {
	case j.aKept != single:
		combineNarrow(j)
	case k.avx512 && j.wide():
		combineAVX512(j)
	case k.avx2 && j.whole():
		combineAVX2(j)
	default:
		combineGeneric(j)
	}
}

//go:noescape
func maskAVX2(j *sweep)

func (k kernels) maskRows(j *sweep) {
	if k.avx2 && j.whole() {
		maskAVX2(j)
		return
	}
	maskGeneric(j)
}

//go:noescape
func addAVX2(j *sweep)

func (k kernels) addRows(j *sweep) {
	if k.avx2 && j.whole() {
		addAVX2(j)
		return
	}
	addGeneric(j)
}

// whole reports whether the pass is not empty and consists of whole vectors, wide whether pixels are whole vectors of AVX-512.
func (j *sweep) whole() bool {
	return j.rows > 0 && j.n > 0 && j.n%lanes == 0 && len(j.p)%lanes == 0
}

func (j *sweep) wide() bool { return j.whole() && len(j.p) > 0 && len(j.p)%(2*lanes) == 0 }

//go:noescape
func deviationsAVX2(j *sums)

//go:noescape
func deviationsAVX512(j *sums)

func (k kernels) deviationRows(j *sums) {
	switch {
	case k.avx512 && j.wide():
		deviationsAVX512(j)
	case k.avx2 && j.whole():
		deviationsAVX2(j)
	default:
		deviationsGeneric(j)
	}
}

//go:noescape
func gradSumsAVX2(j *sums)

//go:noescape
func gradSumsAVX512(j *sums)

func (k kernels) gradSumRows(j *sums) {
	switch {
	case k.avx512 && j.wide():
		gradSumsAVX512(j)
	case k.avx2 && j.whole():
		gradSumsAVX2(j)
	default:
		gradSumsGeneric(j)
	}
}

func (j *sums) whole() bool {
	return j.rows > 0 && j.n > 0 && len(j.p)%lanes == 0
}

func (j *sums) wide() bool { return j.whole() && len(j.p) > 0 && len(j.p)%(2*lanes) == 0 }

//go:noescape
func reluSumsAVX512(j *reluSums)

//go:noescape
func reluSumsPlusAVX512(j *reluSums)

//go:noescape
func reluSumsFarAVX512(j *reluSums)

//go:noescape
func reluSumsPlusFarAVX512(j *reluSums)

// reluSumRows does a job where these kernels can, and reports whether they did.
func (k kernels) reluSumRows(j *reluSums) bool {
	switch {
	case !k.avx512 || !j.wide():
		return false
	case j.bKept != single:
		reluSumRowsNarrow(j)
	case j.plus == nil && j.streams():
		reluSumsFarAVX512(j)
	case j.streams():
		reluSumsPlusFarAVX512(j)
	case j.plus == nil:
		reluSumsAVX512(j)
	default:
		reluSumsPlusAVX512(j)
	}
	return true
}

// streams reports whether stores to dst go past the caches: it is far, and its vectors are whole cache lines.
func (j *reluSums) streams() bool {
	const line = 64
	return j.far && uintptr(unsafe.Pointer(&j.dst[0]))%line == 0 && j.dstPitch%line == 0
}

//go:noescape
func peakAVX2(n int)

//go:noescape
func peakAVX512(n int)

// peak does turns times as many fused multiply-adds as a core has under way at once and returns the number of operations.
func (k kernels) peak(turns int) float64 {
	const operations = 12 * lanes * 2
	switch {
	case k.avx512:
		peakAVX512(turns)
		return 2 * operations * float64(turns)
	case k.avx2:
		peakAVX2(turns)
		return operations * float64(turns)
	}
	return 0
}

//go:noescape
func accumulateAVX2(dst, a *float32, n int)

// accumulate adds a to dst, which is as long.
func (k kernels) accumulate(dst, a []float32) {
	n := 0
	if k.avx2 && len(dst) >= lanes {
		n = len(dst) &^ (lanes - 1)
		accumulateAVX2(&dst[0], &a[0], n)
	}
	accumulateGeneric(dst[n:], a[n:])
}

//go:noescape
func sgdAVX2(w, v, dw *float32, n int, lr, momentum, decay float32)

func (k kernels) sgdStep(w, v, g []float32, lr, momentum, decay float32) {
	n := 0
	if k.avx2 && len(w) >= lanes {
		n = len(w) &^ (lanes - 1)
		sgdAVX2(&w[0], &v[0], &g[0], n, lr, momentum, decay)
	}
	sgdGeneric(w[n:], v[n:], g[n:], lr, momentum, decay)
}
