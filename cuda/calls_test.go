//go:build gpu

package cuda

import (
	"testing"

	"longtail/cuda/driver"
	"longtail/internal/device"
	"longtail/internal/plan"
	"longtail/internal/program/programtest"
	"longtail/train"
)

// An epoch's copies are two uploads a call, the order and the control block, and two downloads, the sums and the predictions, whatever the number of steps in
// a call, split as the training loop splits it; its launches are those of the graph a step. The session's counters are the emulator's.
func TestCopiesAndLaunchesOfAnEpoch(t *testing.T) {
	b := newBackend(t)
	mixed := experiment{model: "resnet8", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 2}
	for _, c := range []struct {
		name           string
		session        device.Session
		batch, perCall int
		steps, calls   int
	}{
		{"250 tiny steps in calls of the session's length", cosine(t, b, 2, 5, make([]float32, 250)), 2, stepsPerCall, 250, 3},
		{"7 steps of ResNet-8 in calls of 3", mixed.open(t, b, device.Mixed, mixed.noise()), mixed.batch, 3, 7, 3},
		{"3 steps one by one", mixed.open(t, b, device.Mixed, mixed.noise()), mixed.batch, 1, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.session.StepsPerCall() != stepsPerCall {
				t.Errorf("a call has %d steps, want %d", c.session.StepsPerCall(), stepsPerCall)
			}
			before := c.session.Counters()
			emulated := counted(func() {
				for step := 0; step < c.steps; {
					end := train.CallEnd(step, c.perCall, c.steps)
					order := programtest.Order(7, samples, step*c.batch, (end-step)*c.batch)
					if sums := must[device.Sums](t)(c.session.Run(order, step, end-step)); sums.Samples != int64((end-step)*c.batch) {
						t.Errorf("the call of steps %d to %d saw %d samples", step, end, sums.Samples)
					}
					step = end
				}
			})
			got := since(before, c.session.Counters())
			launches := c.steps * len(c.session.(*session).schedule.Launches)
			if got.Uploads != float64(2*c.calls) || got.Downloads != float64(2*c.calls) || got.Launches != float64(launches) {
				t.Errorf("counted %+v; want %d uploads, %d downloads and %d launches", got, 2*c.calls, 2*c.calls, launches)
			}
			emulated.compare(t, got)
		})
	}
}

// Everything that a session copies is counted: inputs, states and results too.
func TestCopiesOutsideOfRunAreCounted(t *testing.T) {
	s := cosine(t, newBackend(t), 2, 5, make([]float32, 3))
	must[device.Sums](t)(s.Run([]int32{1, 2}, 0, 1))
	tensors := len(s.(*session).schedule.Tensors)
	state := must[device.State](t)(s.Save())
	for name, c := range map[string]struct {
		do                 func() error
		uploads, downloads int
	}{
		"an input":           {func() error { return s.Set("weight", make([]float32, 5)) }, 1, 0},
		"the learning rates": {func() error { return s.Set(plan.LearningRates, make([]float32, 9)) }, 1, 0},
		"a state to load":    {func() error { return s.Load(state) }, tensors, 0},
		"a state to save":    {func() error { _, err := s.Save(); return err }, 0, tensors},
		"a result":           {func() error { _, err := s.Read(device.Logits); return err }, 0, 1},
	} {
		before := s.Counters()
		emulated := counted(func() {
			if err := c.do(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		got := since(before, s.Counters())
		if got.Uploads != float64(c.uploads) || got.Downloads != float64(c.downloads) || got.Launches != 0 {
			t.Errorf("%s: counted %+v, want %d uploads and %d downloads", name, got, c.uploads, c.downloads)
		}
		emulated.compare(t, got)
	}
}

// since is what a session counted between two moments.
func since(then, now device.Counters) device.Counters {
	return device.Counters{
		Launches: now.Launches - then.Launches, Bytes: now.Bytes - then.Bytes, MMA: now.MMA - then.MMA,
		Uploads: now.Uploads - then.Uploads, Downloads: now.Downloads - then.Downloads,
	}
}

// emulated is what the emulator counted; a GPU counts nothing.
type emulated struct {
	driver.Counters
	known bool
}

func counted(f func()) emulated {
	before, known := driver.ReadCounters()
	f()
	after, _ := driver.ReadCounters()
	return emulated{after.Sub(before), known}
}

// compare compares a session's counters with the emulator's, whose bytes include those of the copies.
func (e emulated) compare(t *testing.T, got device.Counters) {
	t.Helper()
	if !e.known {
		return
	}
	if got.Launches != float64(e.Launches) || got.Uploads+got.Downloads != float64(e.Copies) || got.MMA != float64(e.MMA) || e.Fills != 0 {
		t.Errorf("the session counted %+v, the emulator %+v", got, e.Counters)
	}
	if all := float64(e.BytesRead + e.BytesWritten); e.Checked && (got.Bytes > all || (got.Bytes > 0) != (got.Launches > 0)) {
		t.Errorf("the session counted %+v, the emulator %.0f bytes", got, all)
	}
}
