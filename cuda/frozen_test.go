//go:build gpu

package cuda

import (
	"testing"

	"longtail/internal/device"
	"longtail/internal/program"
	"longtail/internal/program/programtest"
)

func TestFrozenParametersKeepTheirBits(t *testing.T) {
	for precision, tolerance := range map[device.Precision]float64{device.FP32: 1e-5, device.Mixed: 1e-4} {
		t.Run(string(precision), func(t *testing.T) { programtest.Frozen(t, newBackend(t), precision, tolerance) })
	}
}

// mostFrozenLaunches is what a step takes whose features are frozen: the images, 31 convolutions, three values of an evaluation that are
// stored beside them, the average with the dense layer, the loss, the dense layer's gradients and the update.
const mostFrozenLaunches = 39

func TestLaunchesOfAFrozenStep(t *testing.T) {
	b := newBackend(t)
	for name, stage := range map[string]func(*program.Network){
		"features": func(n *program.Network) { n.Model.Frozen = true },
		"all but scale": func(n *program.Network) {
			n.Model.Frozen, n.Model.ClassScale, n.Model.FrozenClassifier = true, true, true
		},
	} {
		e := experiment{model: "resnet32", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 4, stage: stage}
		s := e.open(t, b, device.Mixed, e.noise())
		before := s.Counters().Launches
		e.train(t, s, 0, 1)
		if launches := s.Counters().Launches - before; launches > mostFrozenLaunches {
			t.Errorf("%s: %v launches a step, want at most %d", name, launches, mostFrozenLaunches)
		}
	}
}
