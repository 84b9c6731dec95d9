package sweep

import (
	"math"
	"testing"

	"longtail/internal/config"
	"longtail/internal/config/grid"
)

// planned is a run of so many steps of 10 images.
func planned(state State, steps, before int, model, device, precision string, validation float64) Plan {
	c := config.Defaults()
	c.Train.Batch, c.Model.Name, c.Device, c.Precision, c.Data.Validation = 10, model, device, precision, validation
	return Plan{Run: grid.Run{Config: c}, Steps: steps, Before: before, State: state}
}

func TestEstimates(t *testing.T) {
	big, small := Network{Multiplications: 8, CheckpointBytes: 100}, Network{Multiplications: 2, CheckpointBytes: 10}
	cpu := func(model string, rate, share float64) Speed {
		return Speed{model, "fp32", "cpu, 2 threads", rate, share}
	}
	gpu := Speed{"resnet32", "mixed", "cuda, H100", 1000, 0}
	one := []Plan{planned(New, 100, 0, "resnet32", "auto", "auto", 0)}
	for name, c := range map[string]struct {
		plans    []Plan
		networks []Network
		speeds   []Speed
		last     bool
		want     Estimate
	}{
		"nothing known":   {one, []Network{big}, nil, false, Estimate{Images: 1000, Checkpoints: 200}},
		"its model":       {one, []Network{big}, []Speed{cpu("resnet32", 10, 0.5)}, true, Estimate{1000, 150, "cpu, 2 threads", 1, 100}},
		"median":          {one, []Network{big}, []Speed{cpu("resnet32", 10, 0), cpu("resnet32", 20, 0), cpu("resnet32", 1000, 0)}, true, Estimate{1000, 50, "cpu, 2 threads", 3, 100}},
		"another model":   {one, []Network{big}, []Speed{cpu("resnet8", 10, 0)}, true, Estimate{Images: 1000, Checkpoints: 100}},
		"wrong device":    {[]Plan{planned(New, 100, 0, "resnet32", "cuda", "auto", 0)}, []Network{big}, []Speed{cpu("resnet32", 10, 0)}, true, Estimate{Images: 1000, Checkpoints: 100}},
		"wrong precision": {[]Plan{planned(New, 100, 0, "resnet32", "auto", "fp32", 0)}, []Network{big}, []Speed{gpu}, true, Estimate{Images: 1000, Checkpoints: 100}},
		"two devices":     {one, []Network{big}, []Speed{cpu("resnet32", 10, 0), gpu, gpu}, true, Estimate{1000, 1, "cuda, H100", 2, 100}},
		"all done":        {[]Plan{planned(Done, 100, 100, "resnet32", "auto", "auto", 0)}, []Network{big}, []Speed{gpu}, true, Estimate{}},
		"scaled, begun, held out": {
			[]Plan{planned(Begun, 100, 40, "resnet32", "auto", "auto", 0.1), planned(Done, 9, 9, "resnet8", "auto", "auto", 0)},
			[]Network{big, small}, []Speed{cpu("resnet8", 100, 0)}, false, Estimate{600, 24, "cpu, 2 threads", 1, 300},
		},
	} {
		got := NewEstimate(c.plans, c.networks, c.speeds, c.last)
		if math.Abs(got.Seconds-c.want.Seconds) > 1e-9 {
			t.Errorf("%s: %v s, want %v", name, got.Seconds, c.want.Seconds)
		}
		if got.Seconds = c.want.Seconds; got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
