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

// deviationsGeneric adds a - p and its square by channel to the sums s and t: pixels of a row in float32, rows in float64.
func deviationsGeneric(j *sums) {
	j.eachRow(func(y, at, c int, s, t *float32) {
		d := j.a[y*j.aPitch+at] - j.p[c]
		*s += d
		*t += d * d
	})
}

// gradSumsGeneric adds a and a * (b - p) by channel to the sums s and t: pixels of a row in float32, rows in float64.
func gradSumsGeneric(j *sums) {
	j.eachRow(func(y, at, c int, s, t *float32) {
		a := j.a[y*j.aPitch+at]
		*s += a
		*t += a * (j.b[y*j.bPitch+at] - j.p[c])
	})
}

// eachRow calls add for each element of each row with the row's sums of its channel, and adds those to s and t.
func (j *sums) eachRow(add func(y, at, c int, s, t *float32)) {
	channels := len(j.p)
	for y := range j.rows {
		for c := range channels {
			var s, t float32
			for at := c; at < j.n; at += channels {
				add(y, at, c, &s, &t)
			}
			j.s[c] += float64(s)
			j.t[c] += float64(t)
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
