package ops

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// variables are float64 nodes of these shapes in one new graph; a nil shape is a scalar.
func variables(shapes ...tensor.Shape) []*G.Node {
	var values []*tensor.Dense
	for _, s := range shapes {
		size := s.TotalSize()
		v := make([]float64, size)
		for i := range v {
			v[i] = float64(i%7) + .5
		}
		if s.Dims() == 0 {
			values = append(values, tensor.New(tensor.FromScalar(v[0])))
			continue
		}
		values = append(values, opstest.Of(v, s...))
	}
	return opstest.Inputs(values...)
}

func TestWrongShapesAreErrors(t *testing.T) {
	s := func(sides ...int) tensor.Shape { return sides }
	for name, c := range map[string]struct {
		kind  Kind
		attrs Attrs
		in    []tensor.Shape
	}{
		"conv: channels":                   {KindConv, Attrs{Stride: 1, Pad: 1}, shapes{s(2, 3, 4, 4), s(5, 2, 3, 3)}},
		"conv: kernel larger than image":   {KindConv, Attrs{Stride: 1}, shapes{s(2, 3, 2, 4), s(5, 3, 3, 3)}},
		"conv: kernel not square":          {KindConv, Attrs{Stride: 1}, shapes{s(2, 3, 4, 4), s(5, 3, 3, 1)}},
		"conv: stride":                     {KindConv, Attrs{}, shapes{s(2, 3, 4, 4), s(5, 3, 3, 3)}},
		"conv: padding":                    {KindConv, Attrs{Stride: 1, Pad: -1}, shapes{s(2, 3, 9, 9), s(5, 3, 3, 3)}},
		"conv: one input":                  {KindConv, Attrs{Stride: 1}, shapes{s(2, 3, 4, 4)}},
		"conv: dimensions":                 {KindConv, Attrs{Stride: 1}, shapes{s(2, 3, 4), s(5, 3, 3, 3)}},
		"conv grad input: size":            {KindConvGradInput, Attrs{Stride: 1, Pad: 1, Height: 4, Width: 4}, shapes{s(5, 3, 3, 3), s(2, 5, 3, 4)}},
		"conv grad input: out channels":    {KindConvGradInput, Attrs{Stride: 1, Pad: 1, Height: 4, Width: 4}, shapes{s(5, 3, 3, 3), s(2, 4, 4, 4)}},
		"conv grad input: dimensions":      {KindConvGradInput, Attrs{Stride: 1, Height: 4, Width: 4}, shapes{s(5), s(2)}},
		"conv grad input: no size":         {KindConvGradInput, Attrs{Stride: 1, Pad: 9}, shapes{s(5, 3, 3, 3), s(2, 5, 16, 16)}},
		"conv grad weights: batch":         {KindConvGradWeights, Attrs{Stride: 1, Pad: 1, Kernel: 3}, shapes{s(2, 3, 4, 4), s(3, 5, 4, 4)}},
		"conv grad weights: kernel":        {KindConvGradWeights, Attrs{Stride: 1, Pad: 1}, shapes{s(2, 3, 4, 4), s(2, 5, 4, 4)}},
		"moments: dimensions":              {KindMoments, Attrs{}, shapes{s(2, 3)}},
		"normalize: moments":               {KindNormalize, Attrs{}, shapes{s(2, 3, 4, 4), s(3, 3), s(3), s(3)}},
		"normalize: gamma":                 {KindNormalize, Attrs{}, shapes{s(2, 3, 4, 4), s(2, 3), s(2), s(3)}},
		"normalize: beta":                  {KindNormalize, Attrs{}, shapes{s(2, 3, 4, 4), s(2, 3), s(3), s(4)}},
		"normalize sums: moments":          {KindNormalizeSums, Attrs{}, shapes{s(2, 3, 4, 4), s(2, 4), s(2, 3, 4, 4)}},
		"normalize sums: gradient":         {KindNormalizeSums, Attrs{}, shapes{s(2, 3, 4, 4), s(2, 3), s(2, 3, 4, 2)}},
		"normalize grad input: gamma":      {KindNormalizeGradInput, Attrs{}, shapes{s(2, 3, 4, 4), s(2, 3), s(1), s(2, 3, 4, 4), s(2, 3)}},
		"normalize grad input: sums":       {KindNormalizeGradInput, Attrs{}, shapes{s(2, 3, 4, 4), s(2, 3), s(3), s(2, 3, 4, 4), s(2, 2)}},
		"row: index":                       {KindRow, Attrs{Index: 2}, shapes{s(2, 3)}},
		"row: negative index":              {KindRow, Attrs{Index: -1}, shapes{s(2, 3)}},
		"relu grad: shapes":                {KindReLUGrad, Attrs{}, shapes{s(2, 3), s(3, 2)}},
		"add: a vector and a column":       {KindAdd, Attrs{}, shapes{s(3), s(3, 1)}},
		"shortcut: odd image":              {KindShortcutPool, Attrs{Channels: 4}, shapes{s(2, 2, 3, 4)}},
		"shortcut: odd channels":           {KindShortcutPool, Attrs{Channels: 5}, shapes{s(2, 2, 4, 4)}},
		"shortcut: fewer channels":         {KindShortcutSubsample, Attrs{Channels: 2}, shapes{s(2, 4, 4, 4)}},
		"shortcut grad: more channels":     {KindShortcutPoolGrad, Attrs{Channels: 4}, shapes{s(2, 2, 4, 4)}},
		"shortcut grad: odd channels":      {KindShortcutSubsampleGrad, Attrs{Channels: 1}, shapes{s(2, 2, 4, 4)}},
		"max pool: dimensions":             {KindMaxPool, Attrs{Kernel: 3, Stride: 2, Pad: 1}, shapes{s(2, 2, 4)}},
		"max pool: windows of border":      {KindMaxPool, Attrs{Kernel: 3, Stride: 2, Pad: 2}, shapes{s(2, 2, 4, 4)}},
		"max pool: larger than image":      {KindMaxPool, Attrs{Kernel: 3, Stride: 1}, shapes{s(2, 2, 4, 2)}},
		"max pool: no stride":              {KindMaxPool, Attrs{Kernel: 3}, shapes{s(2, 2, 4, 4)}},
		"max pool grad: size":              {KindMaxPoolGrad, Attrs{Kernel: 3, Stride: 2, Pad: 1}, shapes{s(2, 2, 4, 4), s(2, 2, 4, 4)}},
		"global average: dimensions":       {KindGlobalAverage, Attrs{}, shapes{s(2, 2, 4)}},
		"global average grad: no size":     {KindGlobalAverageGrad, Attrs{}, shapes{s(2, 2)}},
		"dense: features":                  {KindDense, Attrs{}, shapes{s(2, 3), s(5, 4), s(5)}},
		"dense: bias":                      {KindDense, Attrs{}, shapes{s(2, 3), s(5, 3), s(3)}},
		"dense grad input: classes":        {KindDenseGradInput, Attrs{}, shapes{s(5, 3), s(2, 4)}},
		"dense grad weights: batch":        {KindDenseGradWeights, Attrs{}, shapes{s(2, 3), s(3, 5)}},
		"dense grad bias: dimensions":      {KindDenseGradBias, Attrs{}, shapes{s(2)}},
		"exp: an image":                    {KindExp, Attrs{}, shapes{s(2, 3, 4, 4)}},
		"exp: no input":                    {KindExp, Attrs{}, nil},
		"mul: rows":                        {KindMul, Attrs{}, shapes{s(2, 3), s(3, 3)}},
		"mul: classes":                     {KindMul, Attrs{}, shapes{s(2, 3), s(4)}},
		"mul: a vector of one":             {KindMul, Attrs{}, shapes{s(2, 3), s(1)}},
		"mul: a scalar":                    {KindMul, Attrs{}, shapes{s(2, 3), s()}},
		"row sum: dimensions":              {KindRowSum, Attrs{}, shapes{s(3)}},
		"spread: more than one class":      {KindSpread, Attrs{Channels: 3}, shapes{s(2, 3)}},
		"spread: to nothing":               {KindSpread, Attrs{}, shapes{s(2, 1)}},
		"dense: no weights":                {KindDense, Attrs{}, shapes{s(2, 3)}},
		"batch sum: more than one class":   {KindBatchSum, Attrs{}, shapes{s(2, 3)}},
		"batch mean: dimensions":           {KindBatchMean, Attrs{}, shapes{s(2)}},
		"batch mean grad: no size":         {KindBatchMeanGrad, Attrs{Rows: 2}, shapes{s()}},
		"batch mean grad: not of a scalar": {KindBatchMeanGrad, Attrs{Rows: 2, Channels: 2}, shapes{s(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := apply(c.kind, c.attrs, variables(c.in...)...)
			if err == nil {
				t.Fatal("is accepted")
			}
			if !strings.HasPrefix(err.Error(), c.kind.String()) {
				t.Errorf("does not name the operation: %v", err)
			}
		})
	}
}

func TestMissingAndForeignInputsAreErrors(t *testing.T) {
	x := variables(tensor.Shape{2, 3})[0]
	other := variables(tensor.Shape{2, 3})[0]
	single := G.NewMatrix(x.Graph(), G.Float32, G.WithShape(2, 3), G.WithName("single"))
	for name, in := range map[string][]*G.Node{"missing": {x, nil}, "of another graph": {x, other}, "of another type": {x, single}} {
		if _, err := RowAdd(in[0], in[1]); err == nil {
			t.Errorf("an input %s is accepted", name)
		}
	}
	if _, _, err := BatchNorm(nil, x, x, 1e-5); err == nil {
		t.Error("batch norm of nothing is accepted")
	}
	if _, err := RowNormalize(nil, 1e-5); err == nil {
		t.Error("row normalisation of nothing is accepted")
	}
}

func TestWrongValuesAreErrors(t *testing.T) {
	in := variables(tensor.Shape{2, 3}, tensor.Shape{2, 3})
	n, err := RowAdd(in[0], in[1])
	if err != nil {
		t.Fatal(err)
	}
	right := opstest.Of(make([]float64, 6), 2, 3)
	for name, values := range map[string][]G.Value{
		"one":        {right},
		"too small":  {right, opstest.Of(make([]float64, 3), 1, 3)},
		"of integer": {right, tensor.New(tensor.WithShape(2, 3), tensor.Of(tensor.Int))},
	} {
		if _, err := n.Op().Do(values...); err == nil {
			t.Errorf("%s: is accepted", name)
		}
	}
}

// TestNoPanic applies every kind to arbitrary shapes: what is accepted can be evaluated, has the shape that it says, and can
// be differentiated where it has a gradient.
func TestNoPanic(t *testing.T) {
	side := rapid.IntRange(1, 3)
	rapid.Check(t, func(t *rapid.T) {
		kind := Kind(rapid.IntRange(int(KindNone)+1, int(kindEnd)-1).Draw(t, "kind"))
		small := rapid.IntRange(-2, 4)
		a := Attrs{
			Stride: small.Draw(t, "stride"), Pad: small.Draw(t, "pad"), Height: small.Draw(t, "height"), Width: small.Draw(t, "width"),
			Channels: small.Draw(t, "channels"), Kernel: small.Draw(t, "kernel"), Rows: small.Draw(t, "rows"), Index: small.Draw(t, "index"), Eps: 1e-5,
		}
		var in []tensor.Shape
		for range rapid.IntRange(0, 5).Draw(t, "inputs") {
			in = append(in, rapid.SliceOfN(side, 0, 4).Draw(t, "shape"))
		}
		nodes := variables(in...)
		n, err := apply(kind, a, nodes...)
		if err != nil {
			return
		}
		v, err := opstest.Evaluate(n)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(v.Shape(), n.Shape()) {
			t.Fatalf("value is %v, the node %v", v.Shape(), n.Shape())
		}
		o, _ := Of(n)
		if !slices.Contains(o.DiffWRT(len(nodes)), true) {
			if _, err := o.SymDiff(nodes, n, n); err == nil && definitions[kind].grad == nil {
				t.Fatal("an operation without gradient gives one")
			}
			return
		}
		g := G.NewTensor(n.Graph(), G.Float64, n.Dims(), G.WithShape(n.Shape().Clone()...), G.WithName("g"))
		if n.Dims() == 0 {
			g = G.NewScalar(n.Graph(), G.Float64, G.WithName("g"))
		}
		gradients, err := o.SymDiff(nodes, n, g)
		if err != nil {
			t.Fatal(err)
		}
		for i, has := range o.DiffWRT(len(nodes)) {
			if has && !slices.Equal(gradients[i].Shape(), in[i]) {
				t.Fatalf("gradient of input %d has shape %v, want %v", i, gradients[i].Shape(), in[i])
			}
		}
	})
}

func TestKindNames(t *testing.T) {
	names := make(map[string]bool)
	for k := KindNone + 1; k < kindEnd; k++ {
		if names[k.String()] || k.String() == "" {
			t.Errorf("name %q of kind %d is empty or taken", k, int(k))
		}
		names[k.String()] = true
	}
	for _, k := range []Kind{KindNone, kindEnd, -1} {
		if want := fmt.Sprintf("kind %d", int(k)); k.String() != want {
			t.Errorf("%q, want %q", k, want)
		}
	}
}
