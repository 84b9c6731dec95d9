package cpu

//go:noescape
func normalizeNarrow(j *sweep)

//go:noescape
func normalizeNarrowPlus(j *sweep)

//go:noescape
func normalizeNarrowPlusNarrow(j *sweep)

// normalizeRowsNarrow does a job whose a is of float16.
func normalizeRowsNarrow(j *sweep) {
	switch {
	case j.b == nil:
		normalizeNarrow(j)
	case j.bKept == float16:
		normalizeNarrowPlusNarrow(j)
	default:
		normalizeNarrowPlus(j)
	}
}

//go:noescape
func combineNarrow(j *sweep)

//go:noescape
func reluSumsNarrow(j *reluSums)

//go:noescape
func reluSumsNarrowPlus(j *reluSums)

//go:noescape
func reluSumsNarrowSum(j *reluSums)

// reluSumRowsNarrow does a job whose b is of float16 and whose dst is of bfloat16; a is so only where there is something to add.
func reluSumRowsNarrow(j *reluSums) {
	switch {
	case j.plus == nil:
		reluSumsNarrow(j)
	case j.aKept == bfloat16:
		reluSumsNarrowSum(j)
	default:
		reluSumsNarrowPlus(j)
	}
}
