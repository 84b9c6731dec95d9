package cpu

import (
	"math"
	"unsafe"
)

// Products of bfloat16, for mixed precision: transforms round to it, products are summed in float32. A pair of bfloat16 takes the place
// of a float32, so that jobs, strides and lengths count pairs.

// halves is the same memory as numbers of two bytes.
func halves(words []float32) []uint16 {
	if len(words) == 0 {
		return nil
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(&words[0])), 2*len(words))
}

// toHalf rounds to the nearest bfloat16, to an even one between two, and what is smaller than the least normal number to zero, as
// AVX512_BF16 does.
func toHalf(x float32) uint16 {
	bits := math.Float32bits(x)
	switch {
	case x != x:
		return uint16(bits>>16) | 1<<6 // quiet
	case bits&0x7f800000 == 0:
		return uint16(bits >> 31 << 15)
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func fromHalf(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// winoHalf does a transform of pixels of side x side to points, whose place among the numbers of a point at gives.
func (j *winoJob) winoHalf(side int, line func(*winoLine) winoLine, at func(tile, c int) int) {
	points := halves(j.points)
	for tile := range j.rows * j.cols {
		y, x := tile/j.cols*winoTile, tile%j.cols*winoTile
		for c := range j.channels {
			image := j.image[y*j.pitch+x*j.channels+c:]
			winoPlane(side, winoWindow, line,
				func(y, x int) float32 { return image[y*j.pitch+x*j.channels] },
				func(y, x int, v float32) { points[2*(y*winoWindow+x)*j.stride+at(tile, c)] = toHalf(v) })
		}
	}
}

func winoInputHalfGeneric(j *winoJob) {
	j.winoHalf(winoWindow, (*winoLine).inputLine, func(tile, c int) int { return tile*j.channels + c })
}

// inPairs is the place of a number among those of a point when two neighbouring tiles make pairs.
func (j *winoJob) inPairs(tile, c int) int { return 2*(tile/2*j.channels+c) + tile%2 }

func winoInputPairsGeneric(j *winoJob) { j.winoHalf(winoWindow, (*winoLine).inputLine, j.inPairs) }

func winoGradPairsGeneric(j *winoJob) { j.winoHalf(winoTile, (*winoLine).gradLine, j.inPairs) }

// pairRowsGeneric makes pairs of rows of floats: dst [rows / 2][panelWidth] of src [rows][panelWidth].
func pairRowsGeneric(dst, src []float32, rows int) {
	to := halves(dst)
	for i := range rows * panelWidth {
		row, o := i/panelWidth, i%panelWidth
		to[2*(row/2*panelWidth+o)+row%2] = toHalf(src[i])
	}
}

func multiplyHalfGeneric(j *gemmJob) {
	for n := range j.batch {
		a, b, dst := halves(j.a[n*j.aStride:]), halves(j.b[n*j.bStride:]), j.dst[n*j.dstStride:]
		for r := range j.rows {
			for o := range j.cols {
				sum := 0.0
				for i := range 2 * j.inner {
					w := b[2*((o/panelWidth*j.inner+i/2)*panelWidth+o%panelWidth)+i%2]
					sum += float64(fromHalf(a[2*r*j.inner+i])) * float64(fromHalf(w))
				}
				dst[r*j.cols+o] = float32(sum)
			}
		}
	}
}

func winoBlockHalfGeneric(j *winoBlockJob) {
	for p := range winoPoints {
		x, dy := halves(j.x[p*j.xStride:]), halves(j.dy[p*j.dyStride:])
		for i := range j.rows * panelWidth {
			row, o := i/panelWidth, i%panelWidth
			sum := 0.0
			for t := range 2 * j.tiles {
				sum += float64(fromHalf(x[2*(t/2*j.xStep+row)+t%2])) * float64(fromHalf(dy[2*(t/2*j.dyStep+o)+t%2]))
			}
			j.block[p*j.rows*panelWidth+i] = float32(sum)
		}
	}
	j.fold()
}
