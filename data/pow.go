package data

import "math/big"

// powBits is the working precision of powers: 53 bits are wanted and a few are lost on the way.
const powBits = 160

// power is a base in (0, 1] that is to be raised to several exponents.
type power struct{ log *big.Float }

func newPower(x float64) power {
	mantissa := newBig(0)
	exponent := newBig(x).MantExp(mantissa)
	log := lnOfHalfToTwo(newBig(2))
	log.Mul(log, newBig(float64(exponent)))
	return power{log.Add(log, lnOfHalfToTwo(mantissa))}
}

// to is x^y, correctly rounded, for y in [0, 1]. The authors' counts come from the C library's pow, which is all but
// correctly rounded; math.Pow is up to one unit in the last place off, and for a factor of 125 that truncates a count of
// 1000 to 999.
func (p power) to(y float64) float64 {
	r, _ := exp(newBig(0).Mul(p.log, newBig(y))).Float64()
	return r
}

func newBig(x float64) *big.Float { return new(big.Float).SetPrec(powBits).SetFloat64(x) }

// lnOfHalfToTwo is the natural logarithm of m in [1/2, 2]: 2 atanh(z) = 2 (z + z^3 / 3 + z^5 / 5 ...) of z = (m - 1) / (m + 1).
func lnOfHalfToTwo(m *big.Float) *big.Float {
	one := newBig(1)
	z := newBig(0).Quo(newBig(0).Sub(m, one), newBig(0).Add(m, one))
	square := newBig(0).Mul(z, z)
	sum := newBig(0)
	for k := 1.0; k < powBits; k += 2 { // |z| <= 1/3, so every term adds more than three bits
		sum.Add(sum, newBig(0).Quo(z, newBig(k)))
		z = newBig(0).Mul(z, square)
	}
	return sum.Mul(sum, newBig(2))
}

// exp is e^x for x in [-100, 0]: the Taylor series of e^(x / 2^halvings), squared that many times.
func exp(x *big.Float) *big.Float {
	const halvings = 12
	small := newBig(0).SetMantExp(x, -halvings)
	sum, term := newBig(1), newBig(1)
	for k := 1.0; k <= 40; k++ { // |small| < 1/40: every term adds more than five bits, the later ones far more
		term.Mul(term, small).Quo(term, newBig(k))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}
