package cpu_test

import (
	"testing"

	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/internal/program/programtest"
)

// A whole training step of ResNet-32 at batch 128 on one thread: augmentation, forward, backward, update.
func BenchmarkStep(b *testing.B) {
	const batch = 128
	images := noise(1, 512, 10)
	p, net, err := network("resnet32", "avgpool", "softmax", 10).Plan(batch, plan.Options{Train: true, Augment: true, Samples: images.Len(), Momentum: .9, RunningKeep: .9})
	if err != nil {
		b.Fatal(err)
	}
	backend := cpu.New(1)
	s, err := backend.Open(p, device.FP32, images, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.Set(plan.LearningRates, make([]float32, b.N)); err != nil {
		b.Fatal(err)
	}
	if err := s.Load(program.InitialState(net, 3)); err != nil {
		b.Fatal(err)
	}
	order := programtest.Order(1, images.Len(), 0, b.N*batch)
	b.ResetTimer()
	if _, err := s.Run(order, 0, b.N); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "images/s")
}
