package cpu

//go:noescape
func averageRowAVX2(j *halvingRow)

//go:noescape
func spreadRowAVX2(j *halvingRow)

func (k kernels) averageRow(j *halvingRow) {
	if k.avx2 && j.channels%lanes == 0 && j.channels > 0 && j.pixels > 0 {
		averageRowAVX2(j)
		return
	}
	averageRowGeneric(j)
}

func (k kernels) spreadRow(j *halvingRow) {
	if k.avx2 && j.channels%lanes == 0 && j.channels > 0 && j.pixels > 0 {
		spreadRowAVX2(j)
		return
	}
	spreadRowGeneric(j)
}
