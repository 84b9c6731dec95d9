package loss_test

import (
	"fmt"

	"longtail/loss"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// The weights of the paper for three classes of 5000, 500 and 50 images: a class counts by the inverse of its effective number.
func ExampleWeights() {
	counts := []int{5000, 500, 50}
	for c, w := range loss.Weights(counts, 0.999) {
		fmt.Printf("%4d images, effective number %6.1f, weight %.4f\n", counts[c], loss.EffectiveNumber(counts[c], 0.999), w)
	}
	// Output:
	// 5000 images, effective number  993.3, weight 0.1256
	//  500 images, effective number  393.6, weight 0.3170
	//   50 images, effective number   48.8, weight 2.5574
}

// A loss is a formula in a graph: here the softmax of one sample of three classes, the true one has weight 2.
func ExampleNew() {
	g := G.NewGraph()
	matrix := func(name string, v ...float64) *G.Node {
		return G.NewMatrix(g, G.Float64, G.WithName(name), G.WithShape(1, len(v)), G.WithValue(tensor.New(tensor.WithShape(1, len(v)), tensor.WithBacking(v))))
	}
	weights := tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{2, 1, 1}))
	batch := loss.Batch{
		Inputs: loss.Inputs{Logits: matrix("z", 1, 2, 3), Target: matrix("h", 1, 0, 0)},
		Weight: G.NewVector(g, G.Float64, G.WithName("w"), G.WithShape(3), G.WithValue(weights)),
	}
	softmax, err := loss.New("softmax", nil)
	if err != nil {
		panic(err)
	}
	cost, err := batch.Cost(softmax)
	if err != nil {
		panic(err)
	}
	var value G.Value
	G.Read(cost, &value)
	if err := G.NewTapeMachine(g).RunAll(); err != nil {
		panic(err)
	}
	fmt.Printf("2 (log(e^1 + e^2 + e^3) - 1) = %.4f\n", value.Data())
	// Output: 2 (log(e^1 + e^2 + e^3) - 1) = 4.8152
}
