package cpu

//go:noescape
func panelBF16(j *panelJob)

func (k kernels) panel(j *panelJob) {
	j.check()
	if k.bf16 {
		panelBF16(j)
		return
	}
	panelGeneric(j)
}

//go:noescape
func moveBF16(j *moveJob)

//go:noescape
func moveFP16(j *moveJob)

func (k kernels) moveRows(j *moveJob, f format) {
	j.check()
	switch {
	case !k.bf16:
		moveGeneric(j, f)
	case f == float16:
		moveFP16(j)
	default:
		moveBF16(j)
	}
}

//go:noescape
func pairUpBF16(j *pairJob)

//go:noescape
func pairUpFP16(j *pairJob)

func (k kernels) pairUp(j *pairJob, f format) {
	j.check()
	switch {
	case !k.bf16:
		pairUpGeneric(j, f)
	case f == float16:
		pairUpFP16(j)
	default:
		pairUpBF16(j)
	}
}

//go:noescape
func transposeAVX512(dst, src *float32, row, blocks int)

// transpose makes dst [row][wideColumns] of src [wideColumns][row], whole blocks of 16 words.
func (k kernels) transpose(dst, src []float32, row int) {
	const block = wideColumns / 2
	if !k.avx512 {
		transposeGeneric(dst, src, row)
		return
	}
	_, _ = dst[row*wideColumns-1], src[wideColumns*row-1]
	transposeAVX512(&dst[0], &src[0], row, row/block)
	transposeAVX512(&dst[block], &src[block*row], row, row/block)
}

//go:noescape
func fetchToWrite(p *float32, lines int)

// fetch asks for the memory of numbers that will be written soon.
func (k kernels) fetch(dst []float32) {
	if lines := len(dst) / 16; k.avx512 && lines > 0 {
		fetchToWrite(&dst[0], lines)
	}
}
