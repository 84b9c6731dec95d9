//go:build gpu

package cuda

import (
	"errors"
	"slices"
	"testing"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
	"longtail/loss"
	"longtail/train/known"
	"longtail/train/known/knowntest"
)

// The known values of losses, and for every registered loss the values and gradients of its float64 reference; padding adds nothing.
func TestKnownLosses(t *testing.T) {
	d := &device.Device{Backend: newBackend(t), Precision: device.FP32}
	cases, err := known.ReadLosses("../train/known/testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range loss.Names() {
		cases = append(cases, knowntest.Cases(t, name)...)
		knowntest.Padding(t, d, name)
	}
	for i := range cases {
		if o := cases[i].Run(d); !o.OK() {
			t.Errorf("%s: %v", cases[i].Name, o)
		}
	}
}

// With every loss, its classifier and either divisor, a call of three steps copies no more than one of a single step, and launches three
// times as much.
func TestStepsOfEveryLossAreLaunches(t *testing.T) {
	b := newBackend(t)
	for _, name := range loss.Names() {
		for _, divisor := range loss.Divisors() {
			o := program.Objective{Loss: name, Counts: []int{100, 10, 1}, Divisor: divisor, Features: 5}
			p, net, err := o.Plan(4, plan.Options{Train: true, Samples: 4, Momentum: 0.9})
			if err != nil {
				t.Fatal(err)
			}
			images := data.Images{Pixels: make([]byte, 4), Labels: []int32{0, 1, 2, 0}, Classes: 3, Channels: 1, Height: 1, Width: 1}
			s := must[device.Session](t)(b.Open(p, device.FP32, images, nil))
			if err := errors.Join(s.Set(plan.LearningRates, make([]float32, 4)), s.Load(program.InitialState(net, 1))); err != nil {
				t.Fatal(err)
			}
			order := slices.Repeat([]int32{0, 1, 2, 3}, 3)
			start := s.Counters()
			must[device.Sums](t)(s.Run(order[:4], 0, 1))
			one := since(start, s.Counters())
			must[device.Sums](t)(s.Run(order, 1, 3))
			all := since(start, s.Counters())
			if one.Launches == 0 || all.Launches != 4*one.Launches || all.Uploads != 2*one.Uploads || all.Downloads != 2*one.Downloads {
				t.Errorf("%s, divisor %s: a step is %+v, one and then three are %+v", name, divisor, one, all)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Class weights that change between two calls, as in deferred re-weighting, rewrite a buffer: the captured step is the same one, and gives
// what a session gives that had these weights from the start.
func TestWeightsChangeWithoutACapture(t *testing.T) {
	b := newBackend(t)
	open := func() *session {
		o := program.Objective{Loss: "ldam", Counts: []int{100, 10, 1}, Divisor: loss.ByWeights, Features: 5}
		p, net, err := o.Plan(4, plan.Options{Train: true, Samples: 4})
		if err != nil {
			t.Fatal(err)
		}
		images := data.Images{Pixels: make([]byte, 4), Labels: []int32{0, 1, 2, 0}, Classes: 3, Channels: 1, Height: 1, Width: 1}
		s := must[device.Session](t)(b.Open(p, device.FP32, images, nil))
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		state := program.InitialState(net, 1)
		for i := range state[program.Given].Data().([]float32) {
			state[program.Given].Data().([]float32)[i] = float32(i%7) - 2
		}
		if err := errors.Join(s.Set(plan.LearningRates, make([]float32, 4)), s.Load(state)); err != nil {
			t.Fatal(err)
		}
		return s.(*session)
	}
	step := func(s *session, n int) float64 {
		return must[device.Sums](t)(s.Run([]int32{0, 1, 2, 3}, n, 1)).Loss
	}
	weights := []float32{0.1, 0.4, 2.5}
	s := open()
	graph, equal := s.graph, step(s, 0)
	if err := s.Set(program.ClassWeights, weights); err != nil {
		t.Fatal(err)
	}
	changed := step(s, 1)
	other := open()
	if err := other.Set(program.ClassWeights, weights); err != nil {
		t.Fatal(err)
	}
	if want := step(other, 0); changed != want || changed == equal || s.graph != graph {
		t.Errorf("the loss is %v after the change, %v with these weights from the start, %v before; the same capture: %v", changed, want, equal, s.graph == graph)
	}
}
