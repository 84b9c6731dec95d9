package cpu

// The innermost loops in plain Go, for processors without AVX2 and as a check on the assembly.

func tilesGeneric(j *tileJob) {
	for _, at := range j.at {
		var sum [panelWidth]float32
		for y := range j.rows {
			from := j.src[j.origin+int(at.src)+y*j.pitch:][:j.run]
			weights := j.panel[y*j.run*panelWidth:]
			for i, x := range from {
				w := (*[panelWidth]float32)(weights[i*panelWidth:])
				for o := range sum {
					sum[o] += x * w[o]
				}
			}
		}
		copy(j.dst[at.dst:][:j.width], sum[:])
	}
}

func gradTilesGeneric(j *gradJob) {
	for i := range j.run {
		var sum [panelWidth]float32
		for y := range j.rows {
			for p := range j.cols {
				x := j.x[y*j.xPitch+p*j.xStep+i]
				for o, g := range j.dy[y*j.dyPitch+p*j.dyStep:][:j.width] {
					sum[o] += x * g
				}
			}
		}
		to := j.sum[i*panelWidth:][:panelWidth]
		for o := range to {
			to[o] += sum[o]
		}
	}
}

func normalizeGeneric(j *sweep) {
	channels := len(j.p)
	for y := range j.rows {
		dst, a := j.dst[y*j.dstPitch:][:j.n], j.a[y*j.aPitch:][:j.n]
		for at := 0; at < j.n; at += channels {
			for c := range channels {
				v := a[at+c]*j.p[c] + j.q[c]
				if j.b != nil {
					v += j.b[y*j.bPitch+at+c]
				}
				if j.relu {
					v = max(v, 0)
				}
				dst[at+c] = v
			}
		}
	}
}

func combineGeneric(j *sweep) {
	channels := len(j.p)
	for y := range j.rows {
		dst, a, b := j.dst[y*j.dstPitch:][:j.n], j.a[y*j.aPitch:][:j.n], j.b[y*j.bPitch:][:j.n]
		for at := 0; at < j.n; at += channels {
			for c := range channels {
				dst[at+c] = j.p[c]*a[at+c] + (j.q[c]*b[at+c] + j.r[c])
			}
		}
	}
}

func maskGeneric(j *sweep) {
	for y := range j.rows {
		dst, a, b := j.dst[y*j.dstPitch:][:j.n], j.a[y*j.aPitch:][:j.n], j.b[y*j.bPitch:][:j.n]
		for i, g := range b {
			if a[i] > 0 {
				dst[i] = g
			} else {
				dst[i] = 0
			}
		}
	}
}

func addGeneric(j *sweep) {
	for y := range j.rows {
		dst, a, b := j.dst[y*j.dstPitch:][:j.n], j.a[y*j.aPitch:][:j.n], j.b[y*j.bPitch:][:j.n]
		for i, v := range b {
			dst[i] = a[i] + v
		}
	}
}

// deviationsGeneric adds a - p and its square by channel to the sums s and t.
func deviationsGeneric(j *sums) {
	channels := len(j.p)
	for y := range j.rows {
		row := j.a[y*j.aPitch:][:j.n]
		for at := 0; at < j.n; at += channels {
			for c := range channels {
				d := row[at+c] - j.p[c]
				j.s[c] += d
				j.t[c] += d * d
			}
		}
	}
}

// gradSumsGeneric adds a and a * (b - p) by channel to the sums s and t.
func gradSumsGeneric(j *sums) {
	channels := len(j.p)
	for y := range j.rows {
		row, other := j.a[y*j.aPitch:][:j.n], j.b[y*j.bPitch:][:j.n]
		for at := 0; at < j.n; at += channels {
			for c := range channels {
				j.s[c] += row[at+c]
				j.t[c] += row[at+c] * (other[at+c] - j.p[c])
			}
		}
	}
}

func sgdGeneric(w, v, g []float32, lr, momentum, decay float32) {
	for i := range w {
		v[i] = momentum*v[i] + (g[i] + decay*w[i])
		w[i] -= lr * v[i]
	}
}

func accumulateGeneric(dst, a []float32) {
	for i, v := range a {
		dst[i] += v
	}
}
