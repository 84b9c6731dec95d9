package cpu

//go:noescape
func maxWindowAVX2(j *poolWindow)

func (k kernels) maxWindow(j *poolWindow) {
	j.check()
	if k.avx2 && len(j.y)%lanes == 0 {
		maxWindowAVX2(j)
		return
	}
	maxWindowGeneric(j)
}

//go:noescape
func maxWindowGradAVX2(j *poolWindow)

func (k kernels) maxWindowGrad(j *poolWindow) {
	j.check()
	if k.avx2 && len(j.y)%lanes == 0 {
		maxWindowGradAVX2(j)
		return
	}
	maxWindowGradGeneric(j)
}
