package cpu_test

import (
	"slices"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/program/programtest"
)

// A frozen network trains its cosine classifier alone: everything else, running moments included, keeps its bits, and no step of the program
// belongs to a gradient of the features. programtest.Frozen has the other classifiers.
func TestFrozenFeaturesOfACosineClassifierKeepTheirBits(t *testing.T) {
	n := programtest.Network("resnet8", "projection", "ldam", 10, 1)
	free, _, err := n.Plan(4, plan.Options{Train: true, Samples: 8, Momentum: 0.9, WeightDecay: 1e-3, RunningKeep: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	n.Model.Frozen = true
	p, net, err := n.Plan(4, free.Options)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) > len(free.Steps)/2 || strings.Contains(p.String(), "conv-grad") {
		t.Errorf("the program has %d steps, that of all parameters %d:\n%v", len(p.Steps), len(free.Steps), p)
	}
	images := data.Images{Pixels: make([]byte, 8*3072), Labels: []int32{0, 1, 2, 3, 4, 5, 6, 7}, Classes: 10, Channels: 3, Height: 32, Width: 32}
	for i := range images.Pixels {
		images.Pixels[i] = byte(i * i)
	}
	s, err := cpu.New(1).Open(p, device.FP32, images, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := program.InitialState(net, 3)
	for name, v := range start {
		if strings.HasPrefix(name, device.RunningPrefix) {
			v.Data().([]float32)[0] = 0.5
		}
	}
	if err := s.Load(start); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(plan.LearningRates, []float32{0.1, 0.1}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run([]int32{0, 1, 2, 3, 4, 5, 6, 7}, 0, 2); err != nil {
		t.Fatal(err)
	}
	state, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range state {
		same := slices.Equal(v.Data().([]float32), start[name].Data().([]float32))
		if trained := strings.Contains(name, "dense."); trained == same {
			t.Errorf("%s kept its bits: %v", name, same)
		}
	}
}
