package ops

import (
	"slices"
	"testing"

	"longtail/internal/ops/opstest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

func TestReferencesAgainstFormulas(t *testing.T) {
	for name, make := range examples {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				e := make(newDraw(t))
				want := e.naive(e.values)
				checkForward(t, e, e.values, want, 1e-12)

				single := slices.Clone(e.values)
				for i, v := range single {
					single[i] = opstest.Float32(v)
				}
				if name != "greater equal" { // rounding may turn a comparison
					checkForward(t, e, single, want, 1e-5)
				}
			})
		})
	}
}

// checkForward compares the evaluation of an example with the numbers wanted and checks the declared shape and element type.
func checkForward(t *rapid.T, e example, values []*tensor.Dense, want []float64, tolerance float64) {
	root, err := e.build(opstest.Inputs(values...))
	if err != nil {
		t.Fatal(err)
	}
	v, err := opstest.Evaluate(root)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(v.Shape(), root.Shape()) || v.Dtype() != values[0].Dtype() {
		t.Fatalf("value is %v %v, the node %v", v.Dtype(), v.Shape(), root.Shape())
	}
	opstest.Compare(t, v.Dtype().String(), opstest.Floats(v), want, tolerance)
}

func TestGradientsAgainstFiniteDifferences(t *testing.T) {
	for name, make := range examples {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d := newDraw(t)
				if e := make(d); len(e.wrt) > 0 {
					opstest.CheckGradients(t, d.r, 1e-6, e.values, e.wrt, e.build)
				}
			})
		})
	}
}

// TestTapeMachineAgrees runs each example on Gorgonia's machine in both element types.
func TestTapeMachineAgrees(t *testing.T) {
	for name, make := range examples {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				e := make(newDraw(t))
				values, tolerance := e.values, 1e-12
				if rapid.Bool().Draw(t, "float32") {
					values, tolerance = slices.Clone(values), 1e-5
					for i, v := range values {
						values[i] = opstest.Float32(v)
					}
				}
				root, err := e.build(opstest.Inputs(values...))
				if err != nil {
					t.Fatal(err)
				}
				var got G.Value
				G.Read(root, &got)
				vm := G.NewTapeMachine(root.Graph())
				defer vm.Close()
				if err := vm.RunAll(); err != nil {
					t.Fatal(err)
				}
				want, err := opstest.Evaluate(root)
				if err != nil {
					t.Fatal(err)
				}
				opstest.Compare(t, "value", opstest.Floats(got), opstest.Floats(want), tolerance)
			})
		})
	}
}

// TestEveryKindIsChecked fails when a kind is added and no example or gradient of one uses it.
func TestEveryKindIsChecked(t *testing.T) {
	seen := make(map[Kind]bool)
	for name, make := range examples {
		rapid.Check(t, func(t *rapid.T) {
			d := newDraw(t)
			e := make(d)
			in := opstest.Inputs(e.values...)
			root, err := e.build(in)
			if err != nil {
				t.Fatal(err)
			}
			if len(e.wrt) > 0 {
				if root, err = opstest.Probe(root, opstest.Random(d.r, root.Shape()...)); err != nil {
					t.Fatal(err)
				}
				var wrt []*G.Node
				for _, i := range e.wrt {
					wrt = append(wrt, in[i])
				}
				if _, err := G.Grad(root, wrt...); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			for _, n := range root.Graph().AllNodes() {
				if o, ok := Of(n); ok {
					seen[o.Kind()] = true
				}
			}
		})
	}
	for k := KindNone + 1; k < kindEnd; k++ {
		if !seen[k] {
			t.Errorf("%v is in no example", k)
		}
	}
}

// TestAgainstGorgoniasConvolution compares values and gradients with Gorgonia's Conv2d, in float32.
func TestAgainstGorgoniasConvolution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDraw(t)
		stride := d.n("stride", 1, 2)
		values := []*tensor.Dense{
			opstest.Float32(opstest.Random(d.r, 2, d.n("I", 1, 3), d.n("H", 3, 7), d.n("W", 3, 7))), nil,
		}
		values[1] = opstest.Float32(opstest.Random(d.r, d.n("O", 1, 3), values[0].Shape()[1], 3, 3))
		var all [2][][]float64
		var weights *tensor.Dense
		for i, build := range []func(x, w *G.Node) (*G.Node, error){
			func(x, w *G.Node) (*G.Node, error) { return Conv(x, w, stride, 1) },
			func(x, w *G.Node) (*G.Node, error) {
				return G.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{stride, stride}, []int{1, 1})
			},
		} {
			in := opstest.Inputs(values...)
			y, err := build(in[0], in[1])
			if err != nil {
				t.Fatal(err)
			}
			if weights == nil {
				weights = opstest.Random(d.r, y.Shape()...)
			}
			root, err := opstest.Probe(y, weights)
			if err != nil {
				t.Fatal(err)
			}
			var value G.Value
			G.Read(y, &value)
			gradients, err := opstest.Gradients(root, in...)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range append(gradients, value) {
				all[i] = append(all[i], slices.Clone(opstest.Floats(v)))
			}
		}
		for k, what := range []string{"dx", "dw", "y"} {
			opstest.Compare(t, what, all[0][k], all[1][k], 1e-4)
		}
	})
}

// Where several pixels of a window are equal, the first one in row-major order has the gradient, as in other frameworks.
func TestMaxPoolPrefersTheFirstOfEqualPixels(t *testing.T) {
	in := opstest.Inputs(opstest.Of([]float64{1, 1, 0, 1}, 1, 1, 2, 2))
	y, err := MaxPool(in[0], 2, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	total, err := G.Sum(y)
	if err != nil {
		t.Fatal(err)
	}
	gradients, err := G.Grad(total, in[0])
	if err != nil {
		t.Fatal(err)
	}
	v, err := opstest.Evaluate(gradients[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := opstest.Floats(v); !slices.Equal(got, []float64{1, 0, 0, 0}) {
		t.Errorf("got %v", got)
	}
}
