package models

import (
	"math"
	"slices"
	"testing"

	"longtail/internal/ops"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// The cosine classifier has no bias; its rows start as directions, and are decayed.
func TestCosineClassifier(t *testing.T) {
	n := mustBuild(t, images(2, 3, 32, 32), config("resnet8"), ops.Head{Cosine: true}, true)
	last := n.Params[len(n.Params)-1]
	if last.Name != "dense.weight" || !last.Decay || last.Frozen {
		t.Fatalf("the last parameter is %+v", last)
	}
	values := n.Initial(7)["dense.weight"].Data().([]float32)
	for row := range slices.Chunk(values, 64) {
		if length := norm(row); math.Abs(length-1) > 1e-6 || slices.Min(row) >= 0 || slices.Max(row) <= 0 {
			t.Errorf("a row of length %v: %v", length, row)
		}
	}
	if slices.Equal(values, n.Initial(8)["dense.weight"].Data().([]float32)) {
		t.Error("another seed gives the same directions")
	}
}

// A frozen network has the parameters of a free one, all but the classifier's marked, and running moments as inputs.
func TestFrozenNetworks(t *testing.T) {
	c := config("resnet8")
	c.Frozen = true
	n, free := mustBuild(t, images(2, 3, 32, 32), c, ops.Head{}, true), mustBuild(t, images(2, 3, 32, 32), config("resnet8"), ops.Head{}, true)
	if len(n.Stats) != 0 || len(n.Inputs) != len(free.Stats) || len(n.InitialMoments()) != len(free.InitialMoments()) {
		t.Errorf("%d moments of a batch and %d inputs", len(n.Stats), len(n.Inputs))
	}
	for i, p := range n.Params {
		classifier := i >= len(n.Params)-2
		if p.Name != free.Params[i].Name || p.Frozen == classifier || free.Params[i].Frozen {
			t.Errorf("%s is frozen: %v", p.Name, p.Frozen)
		}
	}
}

// The scale of the classes follows all other parameters, starts at 1, is decayed, and alone is trained where the classifier is frozen too.
func TestScaledClasses(t *testing.T) {
	c := config("resnet8")
	c.ClassScale = true
	free := mustBuild(t, images(2, 3, 32, 32), c, ops.Head{}, true)
	c.Frozen, c.FrozenClassifier = true, true
	n := mustBuild(t, images(2, 3, 32, 32), c, ops.Head{}, true)
	for i, p := range n.Params {
		if last := i == len(n.Params)-1; p.Frozen == last || (p.Name == ClassScale) != last || free.Params[i].Name != p.Name || free.Params[i].Frozen {
			t.Errorf("%s is frozen: %v", p.Name, p.Frozen)
		}
	}
	s := n.Params[len(n.Params)-1]
	if values := n.Initial(3)[ClassScale].Data().([]float32); !s.Decay || !slices.Equal(values, slices.Repeat([]float32{1}, c.Classes)) {
		t.Errorf("the scale starts at %v and is decayed: %v", values, s.Decay)
	}
}

func TestClassifyNeedsFeatures(t *testing.T) {
	x := G.NewMatrix(G.NewGraph(), G.Float32, G.WithShape(3, 5), G.WithName("x"))
	n, err := Classify(x, Config{Classes: 4, Init: "he"}, ops.Head{BiasInit: 2})
	if err != nil || !slices.Equal(n.Logits.Shape(), tensor.Shape{3, 4}) || len(n.Params) != 2 {
		t.Errorf("%v, %v", n, err)
	}
}

func TestMaxNormShortensLongRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		values := rapid.SliceOfN(rapid.Float32Range(-3, 3), 3*width, 3*width).Draw(t, "values")
		radius := rapid.Float64Range(0.1, 4).Draw(t, "radius")
		m := tensor.New(tensor.WithShape(3, width), tensor.WithBacking(slices.Clone(values)))
		MaxNorm(m, radius)
		for i := range 3 {
			before, after := values[i*width:(i+1)*width], m.Data().([]float32)[i*width:(i+1)*width]
			switch {
			case norm(before) <= radius && !slices.Equal(before, after):
				t.Fatalf("a row within the radius changed: %v to %v", before, after)
			case norm(before) > radius && math.Abs(norm(after)-radius) > 1e-5*radius:
				t.Fatalf("%v of length %v became %v of length %v", before, norm(before), after, norm(after))
			}
			for k := range before {
				if want := float64(before[k]) * min(1, radius/norm(before)); math.Abs(float64(after[k])-want) > 1e-5*radius {
					t.Fatalf("%v became %v, another direction", before, after)
				}
			}
		}
	})
}
