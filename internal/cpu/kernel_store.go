package cpu

import "math"

// format is how a value that crosses levels is kept.
type format int

// In mixed precision, values of the forward pass are kept in float16: batch norm keeps them near 1, and a gradient feels every bit that they
// lose. Gradients are kept in bfloat16, which needs no scale for small ones.
const (
	single format = iota
	bfloat16
	float16
)

// size is the number of bytes of a number.
func (f format) size() int {
	if f == single {
		return 4
	}
	return 2
}

// expand writes the interior dst of h rows of n floats from numbers of two bytes.
func (k kernels) expand(f format, dst view, src []uint16, h, n int) {
	for y := range h {
		k.expandRow(f, dst.data[dst.off+y*dst.pitch:][:n], src[y*n:][:n])
	}
}

// compress rounds the interior src of h rows of n floats to numbers of two bytes.
func (k kernels) compress(f format, dst []uint16, src view, h, n int) {
	for y := range h {
		k.compressRow(f, dst[y*n:][:n], src.data[src.off+y*src.pitch:][:n])
	}
}

func expandGeneric(f format, dst []float32, src []uint16) {
	from := fromHalf
	if f == float16 {
		from = fromFloat16
	}
	for i, h := range src {
		dst[i] = from(h)
	}
}

func compressGeneric(f format, dst []uint16, src []float32) {
	to := toHalf
	if f == float16 {
		to = toFloat16
	}
	for i, x := range src {
		dst[i] = to(x)
	}
}

// toFloat16 rounds to the nearest float16, to an even one between two; what is too large becomes infinite.
func toFloat16(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000: // NaN
		return sign | 0x7e00 | uint16(bits>>13&0x1ff)
	case bits >= 0x477ff000: // beyond the middle between the largest float16 and the next power of two
		return sign | 0x7c00
	case bits < 0x38800000: // below the least normal number: a multiple of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(bits))*(1<<24)))
	}
	bits += 0xfff + bits>>13&1
	return sign | uint16((bits-0x38000000)>>13)
}

func fromFloat16(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f:
		if fraction != 0 {
			fraction |= 0x200 // quiet
		}
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
