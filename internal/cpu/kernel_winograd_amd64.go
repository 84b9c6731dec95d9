package cpu

//go:noescape
func winoInputAVX2(j *winoJob)

//go:noescape
func winoInputAVX512(j *winoJob)

func (k kernels) winoInput(j winoJob) {
	switch {
	case k.avx512:
		winoInputAVX512(&j)
	case k.avx2:
		winoInputAVX2(&j)
	default:
		winoInputGeneric(&j)
	}
}

//go:noescape
func winoOutputAVX2(j *winoJob)

//go:noescape
func winoOutputAVX512(j *winoJob)

//go:noescape
func winoOutputFarAVX512(j *winoJob)

func (k kernels) winoOutput(j winoJob) {
	switch {
	case k.avx512 && j.far:
		winoOutputFarAVX512(&j)
	case k.avx512:
		winoOutputAVX512(&j)
	case k.avx2:
		winoOutputAVX2(&j)
	default:
		winoOutputGeneric(&j)
	}
}

//go:noescape
func winoGradAVX2(j *winoJob)

//go:noescape
func winoGradAVX512(j *winoJob)

func (k kernels) winoGrad(j winoJob) {
	switch {
	case k.avx512:
		winoGradAVX512(&j)
	case k.avx2:
		winoGradAVX2(&j)
	default:
		winoGradGeneric(&j)
	}
}

//go:noescape
func multiplyAVX2(j *gemmJob)

//go:noescape
func multiplyAVX512(j *gemmJob)

func (k kernels) multiply(j *gemmJob) {
	switch {
	case k.avx512:
		multiplyAVX512(j)
	case k.avx2:
		multiplyAVX2(j)
	default:
		multiplyGeneric(j)
	}
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

//go:noescape
func winoBlockAVX512(j *winoBlockJob)

func (k kernels) winoBlock(j *winoBlockJob) {
	switch {
	case k.avx512:
		winoBlockAVX512(j)
	case k.avx2:
		winoBlockAVX2(j)
	default:
		winoBlockGeneric(j)
	}
}
