package cpu_test

import (
	"slices"
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/plan"
)

// The features that an evaluation gives are those that its logits come from: the dense layer of them is the logits, to the last bit.
func TestFeaturesGiveTheLogits(t *testing.T) {
	const batch, classes, width = 3, 10, 64
	images := noise(5, 20, classes)
	for _, model := range []string{"resnet8", "resnet14"} {
		n := network(model, "avgpool", "softmax", classes)
		training := open(t, 2, n, 4, images)
		run(t, training, images, 4, 0, 2)
		if _, err := training.Read(device.Features); err == nil {
			t.Errorf("%s: a training session has features", model)
		}
		state, err := training.Save()
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := n.Plan(batch, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := cpu.New(2).Open(p, device.FP32, images, training)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Run([]int32{4, 9, 1, 7, 2, -1}, 0, 2); err != nil {
			t.Fatal(err)
		}
		features, err := s.Read(device.Features)
		if err != nil || len(features) != batch*width {
			t.Fatalf("%s: %d features, %v", model, len(features), err)
		}
		logits, err := s.Read(device.Logits)
		if err != nil {
			t.Fatal(err)
		}
		weight, bias := state["dense.weight"].Data().([]float32), state["dense.bias"].Data().([]float32)
		var want []float32
		for i := range batch {
			for c := range classes {
				sum := float32(0)
				for f := range width {
					sum += features[i*width+f] * weight[c*width+f]
				}
				want = append(want, bias[c]+sum)
			}
		}
		if !slices.Equal(logits, want) {
			t.Errorf("%s: logits are %v, from the features %v", model, logits, want)
		}
		if slices.Equal(features[:width], features[width:2*width]) {
			t.Errorf("%s: two images have the same features", model)
		}
	}
}
