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
