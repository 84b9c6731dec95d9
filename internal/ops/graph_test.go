package ops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func must(n *G.Node, err error) *G.Node {
	if err != nil {
		panic(err)
	}
	return n
}

// TestEqualOperationsMerge shows that an operation is known by its kind, its inputs and every one of its attributes.
func TestEqualOperationsMerge(t *testing.T) {
	in := variables(tensor.Shape{2, 4, 8, 8}, tensor.Shape{4, 4, 3, 3}, tensor.Shape{2, 4}, tensor.Shape{4}, tensor.Shape{4}, tensor.Shape{2, 1}, tensor.Shape{2, 4})
	x, w, moments, gamma, beta, column, row := in[0], in[1], in[2], in[3], in[4], in[5], in[6]
	variants := []func() (*G.Node, error){
		func() (*G.Node, error) { return Conv(x, w, 1, 1) },
		func() (*G.Node, error) { return Conv(x, w, 2, 1) },
		func() (*G.Node, error) { return Conv(x, w, 1, 0) },
		func() (*G.Node, error) { return Conv(x, w, 2, 0) },
		func() (*G.Node, error) { return Normalize(x, moments, gamma, beta, 1e-5) },
		func() (*G.Node, error) { return Normalize(x, moments, gamma, beta, 1.0000000000000001e-5+1e-20) },
		func() (*G.Node, error) { return Normalize(x, moments, beta, gamma, 1e-5) },
		func() (*G.Node, error) {
			return apply(KindNormalize, Attrs{Eps: 1e-5, Batch: true}, x, moments, gamma, beta)
		},
		func() (*G.Node, error) { return ShortcutPool(x, 4) },
		func() (*G.Node, error) { return ShortcutPool(x, 6) },
		func() (*G.Node, error) { return ShortcutSubsample(x, 6) },
		func() (*G.Node, error) { return apply(KindRow, Attrs{Index: 0}, moments) },
		func() (*G.Node, error) { return apply(KindRow, Attrs{Index: 1}, moments) },
		func() (*G.Node, error) { return Affine(row, 1, 2) },
		func() (*G.Node, error) { return Affine(row, 2, 1) },
		func() (*G.Node, error) { return Affine(row, 1, 0) },
		func() (*G.Node, error) { return Power(row, .5) },
		func() (*G.Node, error) { return Power(row, -.5) },
		func() (*G.Node, error) { return Spread(column, 3) },
		func() (*G.Node, error) { return Spread(column, 4) },
		func() (*G.Node, error) { return Sub(row, column) },
		func() (*G.Node, error) { return Sub(column, row) },
		func() (*G.Node, error) { return apply(KindGlobalAverageGrad, Attrs{Height: 2, Width: 3}, row) },
		func() (*G.Node, error) { return apply(KindGlobalAverageGrad, Attrs{Height: 3, Width: 2}, row) },
	}
	seen := make(map[*G.Node]int)
	for i, make := range variants {
		n := must(make())
		if j, taken := seen[n]; taken {
			t.Errorf("variants %d and %d are one node", i, j)
		}
		seen[n] = i
		if again := must(make()); again != n {
			t.Errorf("variant %d made twice gives two nodes", i)
		}
	}
}

func TestRepeatedArguments(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, build := range map[string]opstest.Build{
		"x + x":          func(in []*G.Node) (*G.Node, error) { return Add(in[0], in[0]) },
		"plus(x, x)":     func(in []*G.Node) (*G.Node, error) { return RowAdd(in[0], in[0]) },
		"x - x":          func(in []*G.Node) (*G.Node, error) { return Sub(in[0], in[0]) },
		"x x":            func(in []*G.Node) (*G.Node, error) { return Mul(in[0], in[0]) },
		"x / x":          func(in []*G.Node) (*G.Node, error) { return Div(in[0], in[0]) },
		"x x + x":        func(in []*G.Node) (*G.Node, error) { return RowAdd(must(Mul(in[0], in[0])), in[0]) },
		"x x x x":        func(in []*G.Node) (*G.Node, error) { y := must(Mul(in[0], in[0])); return Mul(y, y) },
		"x of dense":     func(in []*G.Node) (*G.Node, error) { return Dense(in[0], in[0], in[1]) },
		"x - sum x":      func(in []*G.Node) (*G.Node, error) { return Sub(in[0], must(RowSum(in[0]))) },
		"x (x >= x)":     func(in []*G.Node) (*G.Node, error) { return Mul(in[0], must(GreaterEqual(in[0], in[0]))) },
		"five times x x": func(in []*G.Node) (*G.Node, error) { return fiveTimes(in[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			values := []*tensor.Dense{away(opstest.Random(r, 3, 3)), opstest.Random(r, 3)}
			opstest.CheckGradients(t, r, 1e-6, values, []int{0}, build)
		})
	}
}

// fiveTimes uses x in five operations, so that five gradients are accumulated.
func fiveTimes(x *G.Node) (*G.Node, error) {
	y := must(Exp(x))
	for _, other := range []*G.Node{must(Sigmoid(x)), must(Softplus(x)), must(Affine(x, 3, 1)), must(LogSumExp(x))} {
		y = must(Mul(y, other))
	}
	return y, nil
}

// TestNewAdd checks the bare sums that plans make, of any shape, and whether they count as pieces of a loss.
func TestNewAdd(t *testing.T) {
	for _, shape := range []tensor.Shape{{2, 3, 4, 5}, {3}, {4, 1}, {4, 5}} {
		for _, row := range []bool{false, true} {
			if row && shape.Dims() > 2 {
				continue
			}
			x := variables(shape)[0]
			o := NewAdd(x, row)
			if o.Kind().IsRow() != row {
				t.Errorf("%v, row %v: kind is %v", shape, row, o.Kind())
			}
			v, err := o.Do(x.Value(), x.Value())
			if err != nil {
				t.Fatal(err)
			}
			want := each(shape, func(i []int) float64 { return 2 * at(x.Value().(*tensor.Dense), i...) })
			opstest.Compare(t, "sum", opstest.Floats(v), want, 0)
		}
	}
}

// TestEqualLargestShareTheGradient is RowMax at a tie: each of the largest gets all of it.
func TestEqualLargestShareTheGradient(t *testing.T) {
	in := opstest.Inputs(opstest.Of([]float64{1, 3, 3, 2, 5, 4}, 2, 3))
	root := must(BatchMean(must(RowMax(in[0]))))
	g, err := opstest.Gradients(root, in[0])
	if err != nil {
		t.Fatal(err)
	}
	opstest.Compare(t, "gradient", opstest.Floats(g[0]), []float64{0, .5, .5, 0, .5, 0}, 0)
}

// TestReductions holds what backends cut into chunks of the batch: the operations whose result has no samples, of inputs that do.
func TestReductions(t *testing.T) {
	want := []Kind{KindConvGradWeights, KindMoments, KindNormalizeSums, KindDenseGradWeights, KindDenseGradBias, KindBatchSum, KindBatchMean}
	var got []Kind
	for k := KindNone; k <= kindEnd; k++ {
		if k.IsReduction() {
			got = append(got, k)
		}
		if k.IsRow() != (k >= KindAffine && k <= KindBatchMeanGrad) {
			t.Errorf("%v: is a row piece: %v", k, k.IsRow())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("reductions are %v, want %v", got, want)
	}
}
