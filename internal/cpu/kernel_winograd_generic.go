package cpu

// The transforms of Winograd's convolution in plain Go: a line of a tile at a time, first columns, then rows.

type winoLine [winoWindow]float32

// inputLine is B^T d: the values at the points of the polynomial that 6 inputs make with all points but one taken out.
func (d *winoLine) inputLine() winoLine {
	const a, b = winoA, winoB
	e1, o1 := d[4]-b*b*d[2], a*(d[3]-b*b*d[1])
	e2, o2 := d[4]-a*a*d[2], b*(d[3]-a*a*d[1])
	return winoLine{
		a*a*b*b*d[0] - (a*a+b*b)*d[2] + d[4],
		e1 + o1, e1 - o1, e2 + o2, e2 - o2,
		a*a*b*b*d[1] - (a*a+b*b)*d[3] + d[5],
	}
}

// outputLine is A^T m, 4 numbers.
func (m *winoLine) outputLine() winoLine {
	const a, b = winoA, winoB
	s1, d1, s2, d2 := m[1]+m[2], m[1]-m[2], m[3]+m[4], m[3]-m[4]
	return winoLine{m[0] + s1 + s2, a*d1 + b*d2, a*a*s1 + b*b*s2, a*a*a*d1 + b*b*b*d2 + m[5]}
}

// gradLine is A y for 4 numbers.
func (y *winoLine) gradLine() winoLine {
	const a, b = winoA, winoB
	e1, o1 := y[0]+a*a*y[2], a*y[1]+a*a*a*y[3]
	e2, o2 := y[0]+b*b*y[2], b*y[1]+b*b*b*y[3]
	return winoLine{y[0], e1 + o1, e1 - o1, e2 + o2, e2 - o2, y[3]}
}

// weightLine is G g for 3 numbers.
func (g *winoLine) weightLine() winoLine {
	f := &winoFactors
	e1, o1 := f[1]*g[0]+f[5]*g[2], f[3]*g[1]
	e2, o2 := f[2]*g[0]+f[6]*g[2], f[4]*g[1]
	return winoLine{f[0] * g[0], e1 + o1, e1 - o1, e2 + o2, e2 - o2, g[2]}
}

// foldLine is G^T s, 3 numbers.
func (s *winoLine) foldLine() winoLine {
	f := &winoFactors
	s1, d1, s2, d2 := s[1]+s[2], s[1]-s[2], s[3]+s[4], s[3]-s[4]
	return winoLine{f[0]*s[0] + f[1]*s1 + f[2]*s2, f[3]*d1 + f[4]*d2, f[5]*s1 + f[6]*s2 + s[5]}
}

// winoEach goes over tiles and channels of a job: pixel (0, 0) of the tile in the image, the tile's first point.
func (j *winoJob) winoEach(f func(image, points []float32)) {
	for tile := range j.rows * j.cols {
		y, x := tile/j.cols*winoTile, tile%j.cols*winoTile
		for c := range j.channels {
			f(j.image[y*j.pitch+x*j.channels+c:], j.points[tile*j.channels+c:])
		}
	}
}

// winoPlane applies a line transform to the columns of a tile, then to the rows. from and to give the elements.
func winoPlane(side, result int, line func(*winoLine) winoLine, from func(y, x int) float32, to func(y, x int, v float32)) {
	var half [winoWindow]winoLine // by row
	for x := range side {
		var column winoLine
		for y := range side {
			column[y] = from(y, x)
		}
		column = line(&column)
		for y := range result {
			half[y][x] = column[y]
		}
	}
	for y := range result {
		row := line(&half[y])
		for x := range result {
			to(y, x, row[x])
		}
	}
}

func winoInputGeneric(j *winoJob) {
	j.winoEach(func(image, points []float32) {
		winoPlane(winoWindow, winoWindow, (*winoLine).inputLine,
			func(y, x int) float32 { return image[y*j.pitch+x*j.channels] },
			func(y, x int, v float32) { points[(y*winoWindow+x)*j.stride] = v })
	})
}

func winoOutputGeneric(j *winoJob) {
	j.winoEach(func(image, points []float32) {
		winoPlane(winoWindow, winoTile, (*winoLine).outputLine,
			func(y, x int) float32 { return points[(y*winoWindow+x)*j.stride] },
			func(y, x int, v float32) { image[y*j.pitch+x*j.channels] = v })
	})
}

func winoGradGeneric(j *winoJob) {
	j.winoEach(func(image, points []float32) {
		winoPlane(winoTile, winoWindow, (*winoLine).gradLine,
			func(y, x int) float32 { return image[y*j.pitch+x*j.channels] },
			func(y, x int, v float32) { points[(y*winoWindow+x)*j.stride] = v })
	})
}

func winoWeightsGeneric(j *winoWeightJob) {
	for i := range j.count * j.tap {
		from, to := j.panels[i/j.tap*9*j.tap+i%j.tap:], j.points[i:]
		winoPlane(3, winoWindow, (*winoLine).weightLine,
			func(y, x int) float32 { return from[(y*3+x)*j.tap] },
			func(y, x int, v float32) { to[(y*winoWindow+x)*j.stride] = v })
	}
}

func winoBlockGeneric(j *winoBlockJob) {
	for p := range winoPoints {
		for row := range j.rows {
			x, dy := j.x[p*j.xStride+row:], j.dy[p*j.dyStride:]
			sum := (*[panelWidth]float32)(j.block[(p*j.rows+row)*panelWidth:])
			clear(sum[:])
			for t := range j.tiles {
				v, g := x[t*j.xStep], (*[panelWidth]float32)(dy[t*j.dyStep:])
				for o := range sum {
					sum[o] += v * g[o]
				}
			}
		}
	}
	j.fold()
}

// fold adds the block's points to the sums of weights.
func (j *winoBlockJob) fold() {
	for i := range j.rows * panelWidth {
		winoPlane(winoWindow, 3, (*winoLine).foldLine,
			func(y, x int) float32 { return j.block[(y*winoWindow+x)*j.rows*panelWidth+i] },
			func(y, x int, v float32) { j.sum[(y*3+x)*j.tap+i] += v })
	}
}

func multiplyGeneric(j *gemmJob) {
	for n := range j.batch {
		a, dst := j.a[n*j.aStride:], j.dst[n*j.dstStride:]
		for o := 0; o < j.cols; o += panelWidth {
			b := j.b[n*j.bStride+o*j.inner:]
			for r := range j.rows {
				var sum [panelWidth]float64 // in float32 without fused products, a deep network's gradients lose three digits
				for i, x := range a[r*j.inner:][:j.inner] {
					w := (*[panelWidth]float32)(b[i*panelWidth:])
					for c := range sum {
						sum[c] += float64(x) * float64(w[c])
					}
				}
				for c, v := range sum {
					dst[r*j.cols+o+c] = float32(v)
				}
			}
		}
	}
}
