package cpu

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// The assembly of this package works on a job that Go has checked. Where a shape does not fit its vectors, plain Go does the
// job.

//go:noescape
func tilesAVX2(j *tileJob)

func (k kernels) tiles(j *tileJob) {
	if k.avx2 && j.width%lanes == 0 {
		tilesAVX2(j)
		return
	}
	tilesGeneric(j)
}

//go:noescape
func gradTilesAVX2(j *gradJob)

func (k kernels) gradTiles(j *gradJob) {
	if k.avx2 && j.width%lanes == 0 && j.run >= tilePixels {
		gradTilesAVX2(j)
		return
	}
	gradTilesGeneric(j)
}

func (k kernels) normalizeRows(j *sweep)      { normalizeGeneric(j) }
func (k kernels) combineRows(j *sweep)        { combineGeneric(j) }
func (k kernels) maskRows(j *sweep)           { maskGeneric(j) }
func (k kernels) addRows(j *sweep)            { addGeneric(j) }
func (k kernels) deviationRows(j *sums)       { deviationsGeneric(j) }
func (k kernels) gradSumRows(j *sums)         { gradSumsGeneric(j) }
func (k kernels) accumulate(dst, a []float32) { accumulateGeneric(dst, a) }
func (k kernels) sgdStep(w, v, g []float32, lr, momentum, decay float32) {
	sgdGeneric(w, v, g, lr, momentum, decay)
}
