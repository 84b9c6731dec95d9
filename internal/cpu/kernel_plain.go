//go:build !amd64

package cpu

const hasAVX2, hasAVX512, hasBF16 = false, false, false

func (k kernels) tiles(j *tileJob)            { tilesGeneric(j) }
func (k kernels) gradTiles(j *gradJob)        { gradTilesGeneric(j) }
func (k kernels) normalizeRows(j *sweep)      { normalizeGeneric(j) }
func (k kernels) combineRows(j *sweep)        { combineGeneric(j) }
func (k kernels) maskRows(j *sweep)           { maskGeneric(j) }
func (k kernels) addRows(j *sweep)            { addGeneric(j) }
func (k kernels) deviationRows(j *sums)       { deviationsGeneric(j) }
func (k kernels) gradSumRows(j *sums)         { gradSumsGeneric(j) }
func (k kernels) reluSumRows(*reluSums) bool  { return false }
func (k kernels) peak(int) float64            { return 0 }
func (k kernels) averageRow(j *halvingRow)    { averageRowGeneric(j) }
func (k kernels) spreadRow(j *halvingRow)     { spreadRowGeneric(j) }
func (k kernels) accumulate(dst, a []float32) { accumulateGeneric(dst, a) }
func (k kernels) sgdStep(w, v, g []float32, lr, momentum, decay float32) {
	sgdGeneric(w, v, g, lr, momentum, decay)
}

func (k kernels) expandRow(f format, dst []float32, src []uint16)   { expandGeneric(f, dst, src) }
func (k kernels) compressRow(f format, dst []uint16, src []float32) { compressGeneric(f, dst, src) }
func (k kernels) winoInputHalf(j winoJob)                           { winoInputHalfGeneric(&j) }
func (k kernels) winoInputPairs(j winoJob)                          { winoInputPairsGeneric(&j) }
func (k kernels) winoGradPairs(j winoJob)                           { winoGradPairsGeneric(&j) }
func (k kernels) multiplyHalf(j *gemmJob)                           { multiplyHalfGeneric(j) }
func (k kernels) winoBlockHalf(j *winoBlockJob)                     { winoBlockHalfGeneric(j) }
func (k kernels) pairRows(dst, src []float32, rows int) {
	pairRowsGeneric(dst, src, rows)
}
func (k kernels) winoInput(j winoJob)                   { winoInputGeneric(&j) }
func (k kernels) winoOutput(j winoJob)                  { winoOutputGeneric(&j) }
func (k kernels) winoGrad(j winoJob)                    { winoGradGeneric(&j) }
func (k kernels) multiply(j *gemmJob)                   { multiplyGeneric(j) }
func (k kernels) winoWeights(j *winoWeightJob)          { winoWeightsGeneric(j) }
func (k kernels) winoBlock(j *winoBlockJob)             { winoBlockGeneric(j) }
func (k kernels) panel(j *panelJob)                     { panelGeneric(j) }
func (k kernels) moveRows(j *moveJob, f format)         { moveGeneric(j, f) }
func (k kernels) pairUp(j *pairJob, f format)           { pairUpGeneric(j, f) }
func (k kernels) maxWindow(j *poolWindow)               { maxWindowGeneric(j) }
func (k kernels) maxWindowGrad(j *poolWindow)           { maxWindowGradGeneric(j) }
func (k kernels) transpose(dst, src []float32, row int) { transposeGeneric(dst, src, row) }
func (k kernels) fetch([]float32)                       {}
