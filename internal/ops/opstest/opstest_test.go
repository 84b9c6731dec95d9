package opstest_test

import (
	"math/rand/v2"
	"testing"

	"longtail/internal/ops"
	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// recorder stands in for a test that is expected to fail.
type recorder struct{ failed bool }

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(string, ...any) {
	r.failed = true
	panic(r)
}

func fails(f func(opstest.TB)) bool {
	r := &recorder{}
	func() {
		defer func() {
			if p := recover(); p != nil && p != r {
				panic(p)
			}
		}()
		f(r)
	}()
	return r.failed
}

func TestCheckGradientsTellsRightFromWrong(t *testing.T) {
	square := func(in []*G.Node) (*G.Node, error) { return ops.Mul(in[0], in[0]) }
	// x times a detached x has the value of a square, and half of its gradient
	half := func(in []*G.Node) (*G.Node, error) {
		d, err := ops.Detach(in[0])
		if err != nil {
			return nil, err
		}
		return ops.Mul(in[0], d)
	}
	check := func(b opstest.Build) func(opstest.TB) {
		return func(t opstest.TB) {
			r := rand.New(rand.NewPCG(1, 2))
			opstest.CheckGradients(t, r, 1e-6, []*tensor.Dense{opstest.Random(r, 2, 3)}, []int{0}, b)
		}
	}
	if fails(check(square)) {
		t.Error("a right gradient fails")
	}
	if !fails(check(half)) {
		t.Error("a wrong gradient passes")
	}
}

func TestCompareFails(t *testing.T) {
	nan := 0.0
	nan /= nan
	for _, c := range []struct {
		got, want []float64
		fails     bool
	}{
		{[]float64{1, 2}, []float64{1, 2}, false},
		{[]float64{1}, []float64{1, 2}, true},
		{[]float64{1.1}, []float64{1}, true},
		{[]float64{nan}, []float64{1}, true},
		{[]float64{100.0001}, []float64{100}, false}, // relative to the largest
	} {
		if got := fails(func(t opstest.TB) { opstest.Compare(t, "x", c.got, c.want, 1e-5) }); got != c.fails {
			t.Errorf("%v and %v: fails %v, want %v", c.got, c.want, got, c.fails)
		}
	}
}
