package cpu_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/ops"
	"longtail/internal/ops/opstest"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/program/programtest"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A head that normalises features and class weights has row programs on matrices of three forms, one of which has no row for
// a sample. Loss, logits and gradients must be those of the graph's own references.
func TestCosineHeadAgreesWithTheGraph(t *testing.T) {
	for _, shape := range [][2]int{{3, 5}, {5, 5}, {4, 11}, {11, 4}} { // batch and classes: also where they are equal
		batch, classes := shape[0], shape[1]
		graph, net, err := programtest.CosineHead(batch, classes)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Compile(graph, plan.Options{Train: true, Samples: batch})
		if err != nil {
			t.Fatal(err)
		}
		m := noise(7, batch, classes)
		m.Pixels, m.Height, m.Width = m.Pixels[:batch*3*8*8], 8, 8
		s, err := cpu.New(2).Open(p, device.FP32, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		state := program.InitialState(net, 3)
		weights := make([]float32, classes)
		for c := range weights {
			weights[c] = 0.5 + float32(c)
		}
		if err := s.Load(state); err != nil {
			t.Fatal(err)
		}
		if err := s.Set("weight", weights); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(plan.LearningRates, []float32{0}); err != nil {
			t.Fatal(err)
		}
		order := rand.New(rand.NewPCG(1, 2)).Perm(batch)
		samples := make([]int32, batch)
		for i, image := range order {
			samples[i] = int32(image)
		}
		sums, err := s.Run(samples, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		bind(t, graph, state, m, samples, weights)
		want, err := opstest.Evaluate(graph.Loss)
		if err != nil {
			t.Fatal(err)
		}
		opstest.Compare(t, "loss", []float64{sums.Loss / float64(batch)}, opstest.Floats(want), 1e-5)
		for i, q := range net.Params {
			got, err := s.Read(device.GradientPrefix + q.Name)
			if err != nil {
				t.Fatal(err)
			}
			if want, err = opstest.Evaluate(graph.Gradients[i]); err != nil {
				t.Fatal(err)
			}
			wide := make([]float64, len(got))
			for i, v := range got {
				wide[i] = float64(v)
			}
			opstest.Compare(t, "gradient of "+q.Name, wide, opstest.Floats(want), 1e-4)
		}
	}
}

// bind gives the graph's variables the values of a step.
func bind(t *testing.T, graph plan.Graph, state device.State, m data.Images, samples []int32, weights []float32) {
	t.Helper()
	let := func(n *G.Node, values []float32) {
		v := tensor.New(tensor.WithShape(n.Shape().Clone()...), tensor.WithBacking(values))
		if err := G.Let(n, v); err != nil {
			t.Fatal(err)
		}
	}
	size := m.Channels * m.Height * m.Width
	pixels, target := make([]float32, 0, len(samples)*size), make([]float32, len(samples)*m.Classes)
	for i, image := range samples {
		for _, b := range m.Pixels[int(image)*size:][:size] {
			pixels = append(pixels, float32(b)/128-1)
		}
		target[i*m.Classes+int(m.Labels[image])] = 1
	}
	let(graph.Image, pixels)
	let(graph.Target, target)
	let(graph.Inputs[0].Node, weights)
	for _, q := range graph.Params {
		let(q.Node, state[q.Name].Data().([]float32))
	}
}

// A loss is a mean over [N, C]: one over features [N, F] is refused when it is compiled, not when it runs.
func TestLossOfAnotherWidthIsRefused(t *testing.T) {
	graph, _, err := programtest.CosineHead(2, 5)
	if err != nil {
		t.Fatal(err)
	}
	features := G.NewMatrix(graph.Logits.Graph(), G.Float32, G.WithShape(2, 8), G.WithName("features"))
	if graph.Loss, err = ops.BatchMean(features); err != nil {
		t.Fatal(err)
	}
	graph.Gradients = nil
	graph.Inputs = append(graph.Inputs, plan.GraphInput{Name: "features", Node: features, Initial: make([]float32, 16)})
	if _, err := plan.Compile(graph, plan.Options{}); err == nil || !strings.Contains(err.Error(), "[2, 8]") {
		t.Errorf("the error is %v", err)
	}
}
