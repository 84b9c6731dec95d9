package plan_test

import (
	"fmt"

	"longtail/internal/plan"
	"longtail/internal/program/programtest"
)

// A small network in evaluation mode: everything concerns one image, so that there is one level. Normalisation, the sum at the end
// of a block and ReLU are one step, and the loss is one row program.
func ExampleCompile() {
	p, _, err := programtest.Network("resnet8", "avgpool", "softmax", 10, 0).Plan(4, plan.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Summary())
	for i := range p.Steps {
		fmt.Println(p.Steps[i].Name())
	}
	for _, in := range p.Inputs {
		fmt.Println("input", in.Name, in.Shape)
	}
	// Output:
	// evaluation program: batch 4, 19 steps on 1 levels, 75290 parameters
	// conv
	// normalize+relu
	// conv
	// normalize+relu
	// conv
	// normalize+add+relu
	// shortcut-pool
	// conv
	// normalize+relu
	// conv
	// normalize+add+relu
	// shortcut-pool
	// conv
	// normalize+relu
	// conv
	// normalize+add+relu
	// global-average
	// dense
	// rows
	// input class_weights (10)
}
