package cpu

//go:noescape
func winoInputAVX2(j *winoJob)

func (k kernels) winoInput(j winoJob) {
	if k.avx2 {
		winoInputAVX2(&j)
		return
	}
	winoInputGeneric(&j)
}

//go:noescape
func winoOutputAVX2(j *winoJob)

func (k kernels) winoOutput(j winoJob) {
	if k.avx2 {
		winoOutputAVX2(&j)
		return
	}
	winoOutputGeneric(&j)
}

//go:noescape
func winoGradAVX2(j *winoJob)

func (k kernels) winoGrad(j winoJob) {
	if k.avx2 {
		winoGradAVX2(&j)
		return
	}
	winoGradGeneric(&j)
}

//go:noescape
func multiplyAVX2(j *gemmJob)

func (k kernels) multiply(j *gemmJob) {
	if k.avx2 {
		multiplyAVX2(j)
		return
	}
	multiplyGeneric(j)
}

//go:noescape
func winoWeightsAVX2(j *winoWeightJob)

func (k kernels) winoWeights(j *winoWeightJob) {
	if k.avx2 {
		winoWeightsAVX2(j)
		return
	}
	winoWeightsGeneric(j)
}

//go:noescape
func winoBlockAVX2(j *winoBlockJob)

func (k kernels) winoBlock(j *winoBlockJob) {
	if k.avx2 {
		winoBlockAVX2(j)
		return
	}
	winoBlockGeneric(j)
}
