package effective

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// The sum 1 + beta + ... + beta^(n-1), which the closed form stands for.
func TestNumberIsTheGeometricSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, beta := rapid.IntRange(0, 300).Draw(t, "n"), rapid.Float64Range(0, 0.99999).Draw(t, "beta")
		sum, power := new(big.Float).SetPrec(200), new(big.Float).SetPrec(200).SetInt64(1)
		for range n {
			sum.Add(sum, power)
			power.Mul(power, new(big.Float).SetPrec(200).SetFloat64(beta))
		}
		want, _ := sum.Float64()
		if got := Number(n, beta); math.Abs(got-want) > 1e-9*want {
			t.Fatalf("E(%d) at beta %v is %v, want %v", n, beta, got, want)
		}
	})
}
