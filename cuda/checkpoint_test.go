//go:build gpu

package cuda

import (
	"fmt"
	"testing"

	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program"
)

// A training step that repeats parts of its forward pass has the bits of one that keeps all activations, in both precisions.
func TestCheckpointsKeepTheBits(t *testing.T) {
	for _, c := range []struct {
		experiment
		precision device.Precision
		every     int
	}{
		{tiny, device.FP32, 1}, {tiny, device.Mixed, 2}, {bottlenecks, device.FP32, 1},
	} {
		t.Run(fmt.Sprintf("%s, %s, every %d", c.model, c.precision, c.every), func(t *testing.T) {
			b := newBackend(t)
			p, net, err := c.network().Plan(c.batch, c.options())
			if err != nil {
				t.Fatal(err)
			}
			checkpointed := plan.Checkpoint(p, c.every)
			if checkpointed.Repeated() == 0 {
				t.Fatal("nothing is repeated")
			}
			var states []device.State
			for _, p := range []*plan.Program{p, checkpointed} {
				s, err := b.Open(p, c.precision, c.noise(), nil)
				if err != nil {
					t.Fatal(err)
				}
				c.set(t, s)
				if err := s.Load(program.InitialState(net, 5)); err != nil {
					t.Fatal(err)
				}
				c.train(t, s, 0, 2)
				states = append(states, must[device.State](t)(s.Save()))
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			sameState(t, "with checkpoints", states[1], states[0])
		})
	}
}
