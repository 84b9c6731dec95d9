//go:build gpu

package cuda

import (
	"slices"
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

// Between two calls a state may be saved, changed and loaded again: what is loaded unchanged leaves the bits of a training, and what is
// changed holds from the next step on, in the 16-bit copies of weights too.
func TestStateChangesBetweenCalls(t *testing.T) {
	e := experiment{model: "resnet8", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 2}
	b, images := newBackend(t), e.noise()
	states := map[float32]device.State{}
	for _, factor := range []float32{0, 1, 0.5} { // 0: nothing is loaded
		s := e.open(t, b, device.Mixed, images)
		e.train(t, s, 0, 1)
		if factor > 0 {
			state := must[device.State](t)(s.Save())
			for _, name := range []string{"stem.conv", "dense.weight"} {
				for i := range state[name].Data().([]float32) {
					state[name].Data().([]float32)[i] *= factor
				}
			}
			if err := s.Load(state); err != nil {
				t.Fatal(err)
			}
		}
		e.train(t, s, 1, 1)
		states[factor] = must[device.State](t)(s.Save())
	}
	for name, want := range states[0] {
		same := slices.Equal(states[1][name].Data().([]float32), want.Data().([]float32))
		changed := !slices.Equal(states[0.5][name].Data().([]float32), want.Data().([]float32))
		if !same || !changed {
			t.Errorf("%s: the same after loading what was saved: %v; another one after a change: %v", name, same, changed)
		}
	}
}
